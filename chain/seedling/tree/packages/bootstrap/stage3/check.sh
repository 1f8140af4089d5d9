# check.sh - every new tool has to do its work once. Any failure ends the build.
set -e
mkdir -p /check/a/b
cd /check

# SHA-256: the example of the standard, a message of several blocks, a list.
echo -n abc > abc
[ "$(sha256sum abc)" = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc" ]
sha256sum abc /bin/cc > list
sha256sum -c list
echo >> abc
if sha256sum -c list; then exit 1; fi

# Files and modes.
cp abc a/b/copy
cmp abc a/b/copy
cp -r a c
[ "$(ls c/b)" = copy ]
chmod 0400 c/b/copy
chmod 0755 c
if cmp abc /bin/cc; then exit 1; fi
rm -r c
[ ! -d c ]

# The archiver gives back what it took, and with D the same bytes every time.
echo one > one
echo two > two
ar rD x.a one two
cp one one.before
cp two two.before
rm one two
ar x x.a
cmp one one.before
cmp two two.before
ar rD y.a one two
cmp x.a y.a
[ "$(ar t x.a | cat)" = "one
two" ]

# The shell: pipes, quotes, conditions, loops, status.
[ "$(for i in c a b; do echo $i; done | sort | cat)" = "a
b
c" ]
[ "$(echo *)" = "a abc list one one.before two two.before x.a y.a" ]
(exit 7) || [ $? -eq 7 ]
false && exit 1
[ "a  b" = "$(echo 'a  b')" ]

# make does what is needed, and nothing twice.
echo 'out: one two' > Makefile
echo '	cat $^ > $@; echo made' >> Makefile
[ "$(make)" = "cat one two > out; echo made
made" ]
[ "$(make)" = "" ]
[ "$(cat out)" = "one
two" ]
