/* SPDX-License-Identifier: ISC */
#ifndef OAC_EMBED_H
#define OAC_EMBED_H

/*
 * embed - text files that are part of the programs: the provider presets
 * (providers/NAME.conf), the migrations (sql/NNNN_name.sql), and texts and
 * style of the pages (pages/). The arrays are written at build time by
 * tools/embed.awk, sorted as its arguments were; the last entry has no name.
 */
struct embedded_file {
	const char	*name;		/* without its folder */
	const char	*text;
};

extern const struct embedded_file embedded_presets[];
extern const struct embedded_file embedded_migrations[];
extern const struct embedded_file embedded_pages[];

#endif
