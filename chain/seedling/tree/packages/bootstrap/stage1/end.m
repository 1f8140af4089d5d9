# end.m - the end of a program, whose place is its size. masm reads it last.

:end
