# SPDX-License-Identifier: ISC
#
# Write text files as a C array of struct embedded_file:
#
#	awk -f tools/embed.awk -v array=embedded_presets file... >out.c
#
# One literal per line of text. Files are read by hand, not by awk's main
# loop, so that an empty one gets its entry too. POSIX awk only.

function fail(text) {
	print "embed.awk: " text >"/dev/stderr"
	failed = 1
	exit 1
}

# Not gsub(): awks disagree about backslashes in its replacement.
function replace(s, from, to,	out, at) {
	out = ""
	while ((at = index(s, from)) > 0) {
		out = out substr(s, 1, at - 1) to
		s = substr(s, at + 1)
	}
	return out s
}

# Backslashes first; "?" so that no two of them make a trigraph.
function literal(s) {
	s = replace(s, "\\", "\\\\")
	s = replace(s, "\"", "\\\"")
	s = replace(s, "?", "\\?")
	s = replace(s, "\t", "\\t")
	s = replace(s, "\r", "\\r")
	return "\"" s "\\n\""
}

BEGIN {
	if (array !~ /^[A-Za-z_][A-Za-z0-9_]*$/)
		fail("give the name of the array: -v array=NAME")
	print "/* Written by tools/embed.awk; do not edit. */"
	print "#include \"embed.h\""
	print ""
	print "#include <stddef.h>"
	print ""
	print "const struct embedded_file " array "[] = {"
	for (i = 1; i < ARGC; i++) {
		name = ARGV[i]
		sub(/.*\//, "", name)
		if (name !~ /^[A-Za-z0-9._-]+$/)
			fail("unusual file name: " ARGV[i])
		printf "\t{ \"%s\",\n\t    \"\"", name
		while ((got = (getline line <ARGV[i])) > 0)
			printf "\n\t    %s", literal(line)
		if (got < 0)
			fail("can't read " ARGV[i])
		close(ARGV[i])
		print " },"
	}
	print "\t{ NULL, NULL }"
	print "};"
	exit 0
}
