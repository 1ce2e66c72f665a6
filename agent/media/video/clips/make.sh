#!/bin/sh
# Makes the clips of this folder with ffmpeg, libvpx and libx264 of Debian 12 (make lab installs ffmpeg); nothing runs it but people.
#
# Two seconds of ffmpeg's test picture (a running number, a moving bar), 60 frames with a key frame at 0 and at 30, so that a clip can go
# on from its end at its beginning, and no key frame that is asked for is further than 30 frames away. No frame refers to a later one.
# VP8 as IVF, H.264 constrained baseline as Annex B with SPS and PPS at each key frame; no encoder's name or options inside.
set -eu
cd "$(dirname "$0")"

for size in 640x360 1280x720 1920x1080; do
  name="${size#*x}p"
  picture="-f lavfi -i testsrc=size=$size:rate=30 -frames:v 60 -pix_fmt yuv420p"
  exact='-fflags +bitexact -flags +bitexact -threads 1'
  # shellcheck disable=SC2086 # lists of options
  ffmpeg -v error -y $picture -c:v libvpx $exact -deadline good -cpu-used 1 -auto-alt-ref 0 -lag-in-frames 0 \
    -g 30 -keyint_min 30 -b:v 250k -maxrate 400k -bufsize 200k "$name.ivf"
  # shellcheck disable=SC2086
  ffmpeg -v error -y $picture -c:v libx264 $exact -preset slower -profile:v baseline -bf 0 -refs 1 \
    -g 30 -keyint_min 30 -sc_threshold 0 -crf 32 -bsf:v filter_units=remove_types=6 -f h264 "$name.h264"
done
