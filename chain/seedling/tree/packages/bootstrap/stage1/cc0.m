# cc0.m - a compiler for a small part of C: enough to compile cc.
#
#     cc0 OUTPUT INPUT...
#
# reads the INPUTs one after the other as one text and writes the words of
# machine.m, which masm and hex2 make a program of. In the order of compiling:
#
#   program      declarations: enum { NAME, NAME = NUMBER, ... };
#                              TYPE NAME; TYPE NAME[NUMBER]; TYPE NAME(...);
#                              TYPE NAME(TYPE NAME, ...) { statements }
#   TYPE         int, int *, char *; char for arrays (elsewhere it is an int)
#   statements   { }, TYPE NAME; TYPE NAME = expression; if, else, while,
#                return, break, expression
#   expressions  || && | ^ & == != < > <= >= << >> + - * / % and - ! ~ before
#                an operand; NAME, NAME[expression], both with "= expression"
#                after them; NAME(expression, ...); numbers below 2^31,
#                characters, strings
#
# An int has 64 bits. Only a name can be indexed, and adding to a pointer adds
# bytes. A local name is known from its declaration to the end of the function.
# Nothing else is checked that a C compiler would check: the second compiler,
# which this one compiles, checks more, and compiles the same text.
#
# The compiler goes once over the text and calls itself for what is nested:
# each routine below compiles the part of C that it is named after.
#
# An error writes the number of its line (in all INPUTs together) to standard
# error; the status is then not 0.
#
# Registers: rsi next character; r13, r14 current word (see "words"); r12 where
# output goes; rbx the symbol in hand; rbp precedence or counter; r15 symbols.
# Memory from 0x10000000 on, all zero at the start:
#   [label]     number of the last label made      [function]  number of the function
#   [locals]    minus the bytes of its variables   [bss]       next free address for variables
#   [leave]     label behind the innermost loop    [base]      bytes of the type's base
#   [output]    name of OUTPUT                     [params]    symbols of the parameters
#   0x10100000  symbols    0x10800000  source, 8 MiB    0x11000000  output, 47 MiB
# Programs that it compiles get their variables from 0x10000000 on.
#
# What holds everywhere, and what an auditor has to check of each routine:
#   - A routine that compiles something begins with the first word of it as the
#     current word, and ends with the word behind it as the current one. rsi
#     stands behind the current word, r12 behind the last byte of output; both
#     only grow.
#   - Of the registers, only rsi, r12, r13, r14 and r15 carry something from one
#     routine to the next. What a routine needs after calling another one that
#     compiles it pushes before and pops after; every way through it pops as much
#     as it pushed. "binary" alone gives rbp back as it was. "out" keeps all but
#     rcx and rdi; "next" keeps rbx, rbp and the stack; "number" and "name" keep
#     rbx and rbp.
#   - The code that is made for an expression leaves its value in rax and the
#     stack as it found it, whatever the expression: so code for parts can be put
#     together by "push", the other part, "pop".
#   - The code that is made for a statement leaves the stack as it found it, and
#     depends on nothing in rax.

# ---- start: read the source, compile, write the output ----------------------

:start
    pop_rax                     # drop argc
    pop_rax                     # drop argv[0]
    pop_rax                     # OUTPUT
    mov_[output],rax
    mov_ebx,0x10800000          # where the next INPUT goes
:input
    pop_rdi                     # the next INPUT
    test_rdi,rdi                # the list ends with a null pointer
    jz %loaded
    xor_esi,esi                 # O_RDONLY
    mov_eax,2                   # open
    syscall
    mov_ebp,eax
:load                           # read until nothing more comes
    mov_esi,ebx
    mov_edx,0x10ffffff          # the room that is left
    sub_edx,esi
    jz %error
    mov_edi,ebp
    xor_eax,eax                 # read
    syscall
    test_eax,eax
    js %error
    add_ebx,eax
    test_eax,eax
    jnz %load
    jmp %input
:loaded
    mov_esi,ebx
    mov_byte[rsi],0             # a zero byte ends the source
    lea_r9,[rsi+1]
    mov_esi,0x10800000
    mov_r12d,0x11000000
    mov_qword[bss],0x10000000
    call %keywords
    call %next
:program
    test_r13d,r13d              # the end of the source
    jz %finish
    call %declaration
    jmp %program
:finish
    mov_rdi,[output]
    mov_esi,0x241               # O_WRONLY | O_CREAT | O_TRUNC
    mov_edx,0x1a4               # mode 0644
    mov_eax,2                   # open
    syscall
    mov_ebp,eax
    mov_esi,0x11000000
:write                          # from rsi up to r12
    mov_rdx,r12
    sub_rdx,rsi
    jz %done
    mov_edi,ebp
    mov_eax,1                   # write
    syscall
    test_eax,eax
    jle %exit
    add_esi,eax
    jmp %write
:done
    xor_eax,eax
:exit                           # eax = status
    mov_edi,eax
    mov_eax,60                  # exit
    syscall

# ---- errors -----------------------------------------------------------------

:error                          # write the number of the line to standard error and end
    mov_edi,0x10800000
    mov_eax,1
:count
    cmp_rdi,rsi
    jae %counted
    cmp_byte[rdi],0x0a          # newline
    jne %inline
    inc_eax
:inline
    inc_rdi
    jmp %count
:counted
    mov_r12d,0x11000000
    call %out
    "cc0: error in line " !0
    call %number
    mov_byte[r12],0x0a
    lea_rdx,[r12-0x10ffffff]    # length, newline included
    mov_esi,0x11000000
    mov_edi,2                   # standard error
    mov_eax,1                   # write
    syscall
    mov_eax,1
    jmp %exit

# ---- output -----------------------------------------------------------------

:out                            # append the text after the call instruction, up to a zero byte, and go on after it; rax is kept
    pop_rdi
:outbyte
    mov_cl,[rdi]
    inc_rdi
    test_cl,cl
    jz %outdone
    mov_[r12],cl
    inc_r12
    jmp %outbyte
:outdone
    cmp_r12,0x13f00000          # the room is nearly used up
    ja %error
    jmp_rdi
# The routines below append without asking how much room is left. "out" is
# called before or after each of them and keeps 1 MiB free: more than a number,
# or a name that a person wrote. Beyond that MiB nothing is mapped, so a longer
# name would end the compiler and not make it write elsewhere.

:number                         # append rax in decimal and a newline
    test_rax,rax
    jns %positive
    mov_byte[r12],0x2d          # '-'
    inc_r12
    neg_rax
:positive
    mov_ecx,10
    xor_edi,edi                 # how many digits
:divide
    xor_edx,edx
    div_rcx
    push_rdx
    inc_edi
    test_rax,rax
    jnz %divide
:digits
    pop_rdx
    add_edx,0x30                # '0'
    mov_[r12],dl
    inc_r12
    dec_edi
    jnz %digits
    mov_byte[r12],0x0a
    inc_r12
    ret
:name                           # append the name of the symbol rbx and a newline
    mov_rdi,[rbx]
    mov_rcx,[rbx+8]
:namebyte
    mov_al,[rdi]
    mov_[r12],al
    inc_rdi
    inc_r12
    dec_rcx
    jnz %namebyte
    mov_byte[r12],0x0a
    inc_r12
    ret
:newlabel                       # rax = a new label's number
    inc_qword[label]
    mov_rax,[label]
    ret
:putlabel                       # place label number rax here
    call %out
    ":." !0
    jmp %number

# ---- words ------------------------------------------------------------------
# A word of C is left in r13d, and what belongs to it in r14:
#   0            the end of the source
#   1            a number or character, its value in r14
#   2            a name, its symbol in r14
#   3            a string; rsi stands after its opening quote
#   0x80..0x87   a keyword: int char enum if else while return break
#   otherwise    an operator: its character, plus 256 times its second one
# An operator is below 0x80, or at least 0x2600, since its second character is
# one of = & | < >: none can be taken for a keyword. That holds for sources in
# ASCII, which is not checked: a byte from 0x80 to 0x87 outside of comments,
# strings and characters would be a keyword. A name has the kind that its symbol
# has when it is read: so a keyword is a name whose kind is 0x80 or more, and
# needs no table of its own.

:next
    movzx_eax,byte[rsi]
    cmp_al,0x2f                 # '/': a comment?
    je %slash
    cmp_al,0x20                 # white space
    ja %visible
    test_al,al
    jz %endofsource
    inc_rsi
    jmp %next
:endofsource
    xor_r13d,r13d
    ret
:slash
    cmp_byte[rsi+1],0x2f        # "//"
    je %linecomment
    cmp_byte[rsi+1],0x2a        # "/*"
    jne %visible
    add_rsi,2
:comment
    cmp_byte[rsi],0             # it does not end
    je %error
    inc_rsi
    cmp_word[rsi-1],0x2f2a      # "*/"
    jne %comment
    inc_rsi
    jmp %next
:linecomment
    inc_rsi
    mov_al,[rsi]
    cmp_al,0x0a                 # newline
    je %next
    test_al,al                  # the end
    jnz %linecomment
    jmp %next
:visible
    mov_r8,rsi
    call %isname
    jnc %notname
    lea_ecx,[rax-0x30]          # a digit
    cmp_ecx,9
    jbe %literal
    xor_edx,edx                 # a name; its hash: hash * 33 + character
:scan
    imul_edx,edx,33
    add_edx,eax
    inc_rsi
    movzx_eax,byte[rsi]
    call %isname
    jc %scan
    mov_r10,rsi
    sub_r10,r8
    call %lookup
    mov_r13d,2
    mov_eax,[r14+16]
    cmp_eax,0x80                # a keyword?
    jb %named
    mov_r13d,eax
:named
    ret
:literal                        # decimal, or hexadecimal after "0x"
    mov_r13d,1
    xor_r14d,r14d
    cmp_word[rsi],0x7830        # "0x"
    je %hexadecimal
:decimal
    movzx_eax,byte[rsi]
    lea_ecx,[rax-0x30]
    cmp_ecx,9
    ja %named
    imul_r14,r14,10
    add_r14,rcx
    inc_rsi
    jmp %decimal
:hexadecimal
    add_rsi,2
:hexdigit
    movzx_eax,byte[rsi]
    lea_ecx,[rax-0x30]
    cmp_ecx,9
    jbe %hexvalue
    or_al,0x20                  # lower case
    lea_ecx,[rax-0x57]          # 'a' -> 10
    cmp_ecx,10
    jb %named
    cmp_ecx,15
    ja %named
:hexvalue
    shl_r14,4
    add_r14,rcx
    inc_rsi
    jmp %hexdigit
:notname
    inc_rsi
    mov_r13d,eax
    cmp_al,0x22                 # '"'
    je %stringword
    cmp_al,0x27                 # a quote
    je %character
    movzx_ecx,byte[rsi]
    cmp_cl,0x3d                 # '=': == != <= >=
    je %equals
    cmp_cl,al                   # && || << >>
    jne %named
    cmp_al,0x26                 # '&'
    je %two
    cmp_al,0x7c                 # '|'
    je %two
    cmp_al,0x3c                 # '<'
    je %two
    cmp_al,0x3e                 # '>'
    je %two
    ret
:equals
    cmp_al,0x3d                 # '='
    je %two
    cmp_al,0x21                 # '!'
    je %two
    cmp_al,0x3c                 # '<'
    je %two
    cmp_al,0x3e                 # '>'
    je %two
    ret
:two                            # both characters are the operator
    shl_ecx,8
    or_r13d,ecx
    inc_rsi
    ret
:stringword
    mov_r13d,3
    ret
:character
    call %unescape
    mov_r14,rax
    mov_r13d,1
    cmp_byte[rsi],0x27          # the closing quote
    jne %error
    inc_rsi
    ret
:unescape                       # eax = the character at rsi, of a string or character constant; rsi = its end
    movzx_eax,byte[rsi]
    inc_rsi
    cmp_al,0x20                 # a constant does not go over the line's end
    jb %error
    cmp_al,0x5c                 # a backslash
    jne %named
    movzx_eax,byte[rsi]
    inc_rsi
    cmp_al,0x6e                 # \n
    je %newline
    cmp_al,0x74                 # \t
    je %tab
    cmp_al,0x30                 # \0
    je %zero
    cmp_al,0x5c                 # a backslash or a quote stands for itself
    je %named
    cmp_al,0x27
    je %named
    cmp_al,0x22
    je %named
    jmp %error
:newline
    mov_eax,10
    ret
:tab
    mov_eax,9
    ret
:zero
    xor_eax,eax
    ret
:isname                         # set the carry flag when al can be in a name (or a number)
    cmp_al,0x5f                 # '_'
    je %yes
    lea_ecx,[rax-0x30]          # '0'..'9'
    cmp_ecx,10
    jb %isdone
    mov_ecx,eax
    or_ecx,0x20                 # lower case
    sub_ecx,0x61                # 'a'..'z'
    cmp_ecx,26
:isdone
    ret
:yes
    stc
    ret
:need                           # the current word must be the operator eax; go on to the next
    cmp_r13d,eax
    jne %error
    jmp %next

# ---- symbols ----------------------------------------------------------------
# 65536 entries of 64 bytes, found by a hash of the name. An entry:
#   +0  address of the name, 0 when the entry is free     +8  its length
#   +16 kind: 0 function, 1 constant, 2 variable, 3 array, 0x80.. keyword
#   +24 bytes per element of what it points to, 0 when it is no pointer
#   +32 value: of a constant; address of a variable or array
#   +40 number of the function in which it is a local name; then
#   +48 like +24, and +56 its place relative to rbp
# One name can be global and local: +16 to +32 are of the global one, +40 to +56
# of the local one, which counts only while +40 is [function]. That number grows
# with each function, so the local names of all functions before are forgotten
# without visiting them; and in a function it is not 0, as +40 of a new entry is.
# The table is never full (see "fresh"), so that "lookup" ends: it tries entry
# after entry, the last one being followed by the first, as dx has 16 bits.

:lookup                         # r14 = entry of the name of r10 bytes at r8 with hash edx; made when new
    movzx_r14d,dx
    shl_r14d,6
    add_r14d,0x10100000
    mov_rax,[r14]
    test_rax,rax
    jz %fresh
    cmp_[r14+8],r10
    jne %other
    mov_rcx,r10
:same
    mov_dil,[rax+rcx-1]
    cmp_dil,[r8+rcx-1]
    jne %other
    dec_rcx
    jnz %same
    ret
:other                          # another name: try the next entry
    inc_edx
    jmp %lookup
:fresh
    mov_[r14],r8
    mov_[r14+8],r10
    inc_r15d
    cmp_r15d,49152              # some entries must stay free
    ja %error
    ret
:keywords                       # enter the keywords, by reading them as a source
    push_rsi
    mov_esi,address &keywordlist
    mov_ebp,0x80
:keyword
    call %next
    test_r13d,r13d
    jz %keyworddone
    mov_[r14+16],ebp
    inc_ebp
    jmp %keyword
:keyworddone
    pop_rsi
    ret
:keywordlist
    "int char enum if else while return break" !0

# ---- declarations -----------------------------------------------------------

:declaration                    # enum, variable, array or function outside of functions
    cmp_r13d,0x82               # enum
    je %enumeration
    call %type
    push_rdx                    # bytes per element when it is a pointer
    call %newname
    pop_rdx
    cmp_r13d,0x28               # '('
    je %functionhead
    cmp_r13d,0x5b               # '['
    je %array
    mov_qword[rbx+16],2         # variable
    mov_[rbx+24],rdx
    mov_rax,[bss]
    mov_[rbx+32],rax
    add_qword[bss],8
:semicolon
    mov_eax,0x3b                # ';'
    jmp %need
:array
    call %next
    cmp_r13d,1
    jne %arrayname
    mov_rax,r14
    jmp %arraysize
:arrayname                      # or the name of a constant
    cmp_r13d,2
    jne %error
    cmp_qword[r14+16],1
    jne %error
    mov_rax,[r14+32]
:arraysize
    mov_qword[rbx+16],3         # array
    mov_rcx,[base]
    mov_[rbx+24],rcx
    imul_rax,rcx
    add_rax,7                   # keep everything at multiples of 8
    and_rax,-8
    mov_rcx,[bss]
    mov_[rbx+32],rcx
    add_[bss],rax
    cmp_qword[bss],0x14000000   # more than the header asks for
    ja %error
    call %next
    mov_eax,0x5d                # ']'
    call %need
    jmp %semicolon
:type                           # rdx = bytes per element when the type is a pointer, else 0
    mov_edx,8
    cmp_r13d,0x80               # int
    je %typestar
    mov_edx,1
    cmp_r13d,0x81               # char
    jne %error
:typestar
    mov_[base],rdx
    push_rdx
    call %next
    pop_rdx
    cmp_r13d,0x2a               # '*'
    jne %nopointer
    push_rdx
    call %next
    pop_rdx
    ret
:nopointer
    xor_edx,edx
    ret
:newname                        # rbx = symbol of the name that must be the current word; go on
    cmp_r13d,2
    jne %error
    mov_rbx,r14
    jmp %next
:enumeration
    call %next
    mov_eax,0x7b                # '{'
    call %need
    xor_ebp,ebp                 # value of the next name
:enumerator
    call %newname
    cmp_r13d,0x3d               # '='
    jne %enumset
    call %next
    mov_rbp,r14                 # a number
    mov_eax,1
    call %need
:enumset
    mov_qword[rbx+16],1         # constant
    mov_[rbx+32],rbp
    inc_rbp
    cmp_r13d,0x2c               # ','
    jne %enumend
    call %next
    cmp_r13d,0x7d               # '}': a comma may stand before it
    jne %enumerator
:enumend
    mov_eax,0x7d                # '}'
    call %need
    jmp %semicolon
:functionhead                   # rbx = its symbol
    push_rbx
    call %next
    inc_qword[function]         # names of the function before are forgotten
    mov_qword[locals],0         # counted down by "local" for the parameters too, and begun anew behind them
    xor_ebp,ebp                 # how many parameters
:parameter
    cmp_r13d,0x29               # ')'
    je %parametersdone
    call %type
    push_rdx
    call %newname
    pop_rdx
    call %local
    mov_[params+rbp*8],rbx
    inc_ebp
    cmp_ebp,16
    ja %error
    cmp_r13d,0x2c               # ','
    jne %parameter
    call %next
    jmp %parameter
:parametersdone
    call %next
    mov_rax,8                   # the last parameter is nearest: rbp + 16
:place
    add_rax,8
    dec_ebp
    js %placed
    mov_rbx,[params+rbp*8]
    mov_[rbx+56],rax
    jmp %place
:placed
    mov_qword[locals],0
    pop_rbx
    cmp_r13d,0x3b               # ';': only a declaration
    je %next
    call %out
    ":" !0
    call %name
    call %out
    "enter" !10 !0
    cmp_r13d,0x7b               # '{'
    jne %error
    call %statement
    call %out                   # also behind a return: so no function runs on into the next
    "const =0 return" !10 !0
    ret
:local                          # make rbx a local name with rdx bytes per element
    mov_rax,[function]
    mov_[rbx+40],rax
    mov_[rbx+48],rdx
    add_qword[locals],-8
    mov_rax,[locals]
    mov_[rbx+56],rax
    cmp_rax,-512                # the room that "enter" makes
    jl %error
    ret

# ---- statements -------------------------------------------------------------
# Labels have numbers, and each is made once and placed once:
#
#   if (C) S           C  jump0 L  S  :L
#   if (C) S else T    C  jump0 L  S  jump M  :L  T  :M
#   while (C) S        :B  C  jump0 L  S  jump B  :L      with [leave] = L in S
#
# [leave] is 0 outside of loops; each loop pushes that of the loop around it and
# pops it at its end, so break always leads out of the innermost one.

:statement
    cmp_r13d,0x7b               # '{'
    je %block
    cmp_r13d,0x80               # int
    je %localvariable
    cmp_r13d,0x81               # char
    je %localvariable
    cmp_r13d,0x83               # if
    je %ifstatement
    cmp_r13d,0x85               # while
    je %whilestatement
    cmp_r13d,0x86               # return
    je %returnstatement
    cmp_r13d,0x87               # break
    je %breakstatement
    cmp_r13d,0x3b               # ';'
    je %next
    call %expression
    jmp %semicolon
:block
    call %next
:blockstatement
    cmp_r13d,0x7d               # '}'
    je %next
    test_r13d,r13d              # the end of the source
    jz %error
    call %statement
    jmp %blockstatement
:localvariable
    call %type
    push_rdx
    call %newname
    pop_rdx
    call %local
    cmp_r13d,0x3d               # '='
    jne %semicolon
    push_rbx
    call %next
    call %expression
    pop_rbx
    call %storename
    jmp %semicolon
:condition                      # "( expression )", then a jump to label rax, which is new, when it is 0
    mov_eax,0x28                # '('
    call %need
    call %expression
    mov_eax,0x29                # ')'
    call %need
    call %newlabel
    push_rax
    call %out
    "jump0 %." !0
    mov_rax,[rsp]
    call %number
    pop_rax
    ret
:jump                           # a jump to label rax
    push_rax
    call %out
    "jump %." !0
    pop_rax
    jmp %number
:ifstatement
    call %next
    call %condition
    push_rax
    call %statement
    cmp_r13d,0x84               # else
    je %elsepart
    pop_rax
    jmp %putlabel
:elsepart
    call %next
    call %newlabel
    pop_rbx                     # label of the else part
    push_rax                    # label of the end
    push_rbx
    call %jump
    pop_rax
    call %putlabel
    call %statement
    pop_rax
    jmp %putlabel
:whilestatement
    push_qword[leave]           # where break leads outside
    call %newlabel
    push_rax                    # label of the begin
    call %putlabel
    call %next
    call %condition
    mov_[leave],rax
    call %statement
    pop_rax
    call %jump
    mov_rax,[leave]
    call %putlabel
    pop_qword[leave]
    ret
:returnstatement
    call %next
    cmp_r13d,0x3b               # ';': no value
    je %returnnow
    call %expression
:returnnow
    call %out
    "return" !10 !0
    jmp %semicolon
:breakstatement
    call %next
    mov_rax,[leave]
    test_rax,rax
    jz %error
    call %jump
    jmp %semicolon

# ---- expressions ------------------------------------------------------------
# The code that is made leaves the value in rax and keeps the stack. Operators
# are compiled by their precedence: "binary" compiles an operand and all that
# follows it with a precedence of at least ebp. [rsp] is that bound at "operator"
# and at "nooperator", however often the loop goes round. The right side of an
# operator is compiled with the bound one higher, so a - b - c is (a - b) - c.
#
#   A op B    A  push  B  pop op                 op is the machine's word
#   A && B    A  jump0 L  B  :L  bool            rax is 0 at L when A was
#   A || B    A  jump1 L  B  :L  bool
#
# "=" is no operator here: it is compiled where a name or an element is, since
# only there the place is known that it stores to.

:expression                     # operators of any precedence
    mov_ebp,1
:binary                         # operators of precedence ebp and above
    push_rbp
    call %unary
:operator
    mov_edi,address &operators  # which operator is the current word?
:find
    mov_eax,[rdi]
    test_eax,eax
    jz %nooperator
    cmp_eax,r13d
    je %found
    add_rdi,16
    jmp %find
:nooperator
    pop_rbp
    ret
:found
    mov_ebp,[rdi+4]             # its precedence
    cmp_ebp,[rsp]
    jl %nooperator
    cmp_ebp,2                   # || and && are jumps
    jbe %shortcut
    push_rdi
    call %out
    "push" !10 !0
    call %next
    inc_ebp                     # to the right only what binds stronger
    call %binary
    call %out
    "pop " !0
    pop_rdi
    add_rdi,8
    call %outbyteof
    jmp %operator
:shortcut                       # [rsp] = the label, [rsp+8] = the precedence, and below them the bound
    push_rbp
    push_rdi
    call %newlabel
    pop_rdi
    push_rax
    add_rdi,8
    call %outbyteof
    call %out
    "%." !0
    mov_rax,[rsp]
    call %number
    call %next
    mov_rbp,[rsp+8]
    inc_ebp
    call %binary
    pop_rax
    call %putlabel
    pop_rbp
    call %out
    "bool" !10 !0
    jmp %operator
:outbyteof                      # append the text at rdi and a newline
    mov_al,[rdi]
    inc_rdi
    mov_[r12],al
    inc_r12
    test_al,al
    jnz %outbyteof
    mov_byte[r12-1],0x0a
    ret
:unary
    cmp_r13d,0x2d               # '-'
    je %negative
    cmp_r13d,0x21               # '!'
    je %invert
    cmp_r13d,0x7e               # '~'
    je %complement
    cmp_r13d,0x28               # '('
    je %parentheses
    cmp_r13d,1
    je %constant
    cmp_r13d,2
    je %variable
    cmp_r13d,3
    je %string
    jmp %error
:negative
    call %next
    call %unary
    call %out
    "negate" !10 !0
    ret
:invert
    call %next
    call %unary
    call %out
    "not" !10 !0
    ret
:complement
    call %next
    call %unary
    call %out
    "complement" !10 !0
    ret
:parentheses
    call %next
    call %expression
    mov_eax,0x29                # ')'
    jmp %need
:constant
    mov_rbx,r14
    call %next
:putconstant                    # load the number rbx, which must fit 31 bits
    mov_rax,rbx
    shr_rax,31
    jnz %error
    call %out
    "const =" !0
    mov_rax,rbx
    jmp %number
:string                         # the bytes stand in the code; a call over them leaves their address
    call %newlabel
    push_rax
    call %out
    "over %." !0
    mov_rax,[rsp]
    call %number
:stringbyte
    cmp_byte[rsi],0x22          # '"'
    je %stringend
    call %unescape
    push_rax
    call %out
    "!" !0
    pop_rax
    call %number
    jmp %stringbyte
:stringend
    inc_rsi
    call %out
    "!0 " !0
    pop_rax
    call %putlabel
    call %out
    "address" !10 !0
    jmp %next
:variable
    mov_rbx,r14
    call %next
    cmp_r13d,0x28               # '('
    je %calling
    cmp_r13d,0x5b               # '['
    je %index
    cmp_r13d,0x3d               # '='
    je %assign
:loadname                       # load the value of rbx: of an array it is the address
    mov_rax,[function]
    cmp_[rbx+40],rax
    je %loadlocal
    mov_rax,[rbx+16]
    mov_rcx,[rbx+32]
    cmp_eax,2
    je %loadglobal
    mov_rbx,rcx
    test_eax,eax                # a function is no value
    jnz %putconstant
    jmp %error
:loadlocal
    call %out
    "local =" !0
    mov_rax,[rbx+56]
    jmp %number
:loadglobal
    call %out
    "global =" !0
    mov_rax,[rbx+32]
    jmp %number
:assign
    push_rbx
    call %next
    call %expression
    pop_rbx
:storename                      # store into the variable rbx
    mov_rax,[function]
    cmp_[rbx+40],rax
    je %storelocal
    cmp_qword[rbx+16],2
    jne %error
    call %out
    "setglobal =" !0
    mov_rax,[rbx+32]
    jmp %number
:storelocal
    call %out
    "setlocal =" !0
    mov_rax,[rbx+56]
    jmp %number
:index                          # rbx[expression], perhaps assigned to
    mov_rdx,[rbx+48]            # bytes per element
    mov_rax,[function]
    cmp_[rbx+40],rax
    je %indexlocal
    mov_rdx,[rbx+24]
:indexlocal
    test_rdx,rdx                # no pointer
    jz %error
    push_rdx
    call %loadname              # rbx is changed here for an array, and not needed any more
    call %out
    "push" !10 !0
    call %next
    call %expression
    mov_eax,0x5d                # ']'
    call %need
    cmp_qword[rsp],1            # [rsp] = bytes per element
    je %indexchar
    call %out
    "pop index8" !10 !0
    jmp %indexed
:indexchar
    call %out
    "pop index1" !10 !0
:indexed
    cmp_r13d,0x3d               # '='
    je %assignelement
    pop_rdx
    cmp_edx,1
    je %loadchar
    call %out
    "load8" !10 !0
    ret
:loadchar
    call %out
    "load1" !10 !0
    ret
:assignelement
    call %out
    "push" !10 !0
    call %next
    call %expression
    pop_rdx
    cmp_edx,1
    je %storechar
    call %out
    "pop store8" !10 !0
    ret
:storechar
    call %out
    "pop store1" !10 !0
    ret
:calling                        # arguments are pushed from left to right; the caller drops them after the call
    push_rbx
    push_0                      # [rsp] = how many bytes: an argument compiles to code that keeps the stack, and so does compiling it
    call %next
:argument
    cmp_r13d,0x29               # ')'
    je %argumentsdone
    call %expression
    call %out
    "push" !10 !0
    add_qword[rsp],8
    cmp_r13d,0x2c               # ','
    jne %argument
    call %next
    jmp %argument
:argumentsdone
    call %next
    call %out
    "call %" !0
    pop_rdi
    pop_rbx
    push_rdi
    call %name
    call %out
    "drop =" !0
    pop_rax
    jmp %number

# The operators, 16 bytes each: the word (4 bytes: first character plus 256 times
# the second), its precedence (4 bytes), and the machine's word for it (8 bytes,
# filled up with zeros, of which the first ends it). Zero ends the table. In
# order: || && | ^ & == != < > <= >= << >> + - * / %

:operators
    =31868
    =1
    "jump1 "
    !0 !0
    =9766
    =2
    "jump0 "
    !0 !0
    =124
    =3
    "or"
    !0 !0 !0 !0 !0 !0
    =94
    =4
    "xor"
    !0 !0 !0 !0 !0
    =38
    =5
    "and"
    !0 !0 !0 !0 !0
    =15677
    =6
    "eq"
    !0 !0 !0 !0 !0 !0
    =15649
    =6
    "ne"
    !0 !0 !0 !0 !0 !0
    =60
    =7
    "lt"
    !0 !0 !0 !0 !0 !0
    =62
    =7
    "gt"
    !0 !0 !0 !0 !0 !0
    =15676
    =7
    "le"
    !0 !0 !0 !0 !0 !0
    =15678
    =7
    "ge"
    !0 !0 !0 !0 !0 !0
    =15420
    =8
    "shl"
    !0 !0 !0 !0 !0
    =15934
    =8
    "shr"
    !0 !0 !0 !0 !0
    =43
    =9
    "add"
    !0 !0 !0 !0 !0
    =45
    =9
    "sub"
    !0 !0 !0 !0 !0
    =42
    =10
    "mul"
    !0 !0 !0 !0 !0
    =47
    =10
    "div"
    !0 !0 !0 !0 !0
    =37
    =10
    "mod"
    !0 !0 !0 !0 !0
    =0
:end
