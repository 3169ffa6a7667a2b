# SPDX-License-Identifier: ISC
#
# cpu.gnuplot - the picture: CPU time of each kind of work, by who does it.
# data: the table, target: the file to write, peers: how many columns.

set terminal svg size 760,400 dynamic font "sans-serif,13" background "#ffffff"
set output target
set title "CPU time per request, server and programs, in microseconds (a flow is two requests)"
set style data histograms
set style histogram clustered gap 1
set style fill solid 1.0 noborder
set boxwidth 0.9
set border 3 lc rgb "#566070"
set ytics nomirror
set xtics nomirror scale 0
set grid ytics lc rgb "#d8dde5" lw 0.5
set key top left reverse Left noenhanced
set yrange [0:*]
array colour[3] = ["#0a4fb3", "#c46a1f", "#7a6bb5"]
plot for [i = 2:peers + 1] data using i:xtic(1) title columnheader(i) lc rgb colour[i - 1]
