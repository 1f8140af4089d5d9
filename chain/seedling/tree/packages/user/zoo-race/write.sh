# write.sh LOG... - four jobs, each of which appends to its own of the files
# given, or all to the same when it is given four times.
n=
for log in $*; do
	n=x$n
	{ for i in 1 2 3 4 5 6; do work; echo "job $n line $i" >> $log; done; } &
done
wait
