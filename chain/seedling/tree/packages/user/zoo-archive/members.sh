# members.sh - the files that are archived.
echo "first member" > one.o
echo "second member" > two.o
