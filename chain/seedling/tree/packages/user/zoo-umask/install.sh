# install.sh - a few files and directories.
mkdir -p etc/conf.d
echo "colour = grey" > etc/zoo.conf
echo "cage = 1" > etc/conf.d/cage
