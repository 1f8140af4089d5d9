# machine.m - the machine that cc0 compiles for, and its words in x86-64 code.
#
# The value of an expression is in rax; while a binary operation's right operand
# is computed the left one is on the stack. Arguments are pushed from left to
# right, so that the last one is 16 bytes above rbp. Integers have 64 bits and
# a sign; a char is a byte without one. Every jump, call, "over" is followed by
# its label, every word whose comment begins with =N by a number.

define const      48 C7 C0                         # mov rax, N                          ; =N   rax = the number N
define local      48 8B 85                         # mov rax, [rbp + N]                  ; =N   rax = the local variable N bytes above rbp
define setlocal   48 89 85                         # mov [rbp + N], rax                  ; =N   and the reverse
define global     48 8B 04 25                      # mov rax, [N]                        ; =N   rax = the variable at address N
define setglobal  48 89 04 25                      # mov [N], rax                        ; =N   and the reverse
define push       50                               # push rax                            ; rax onto the stack
define pop        48 89 C1 58                      # mov rcx, rax; pop rax               ; rcx = the right operand, rax = the left one, from the stack
define add        48 01 C8                         # add rax, rcx
define sub        48 29 C8                         # sub rax, rcx
define mul        48 0F AF C1                      # imul rax, rcx
define div        48 99 48 F7 F9                   # cqo; idiv rcx                       ; signed, towards zero
define mod        48 99 48 F7 F9 48 89 D0          # cqo; idiv rcx; mov rax, rdx         ; what remains of it
define and        48 21 C8                         # and rax, rcx
define or         48 09 C8                         # or rax, rcx
define xor        48 31 C8                         # xor rax, rcx
define shl        48 D3 E0                         # shl rax, cl
define shr        48 D3 F8                         # sar rax, cl                         ; keeps the sign
define eq         48 39 C8 0F 94 C0 0F B6 C0       # cmp rax, rcx; sete al; movzx eax, al; rax = 1 if so, else 0
define ne         48 39 C8 0F 95 C0 0F B6 C0       # cmp rax, rcx; setne al; movzx eax, al
define lt         48 39 C8 0F 9C C0 0F B6 C0       # cmp rax, rcx; setl al; movzx eax, al
define gt         48 39 C8 0F 9F C0 0F B6 C0       # cmp rax, rcx; setg al; movzx eax, al
define le         48 39 C8 0F 9E C0 0F B6 C0       # cmp rax, rcx; setle al; movzx eax, al
define ge         48 39 C8 0F 9D C0 0F B6 C0       # cmp rax, rcx; setge al; movzx eax, al
define not        48 85 C0 0F 94 C0 0F B6 C0       # test rax, rax; sete al; movzx eax, al; rax = 1 if it is 0, else 0
define bool       48 85 C0 0F 95 C0 0F B6 C0       # test rax, rax; setne al; movzx eax, al; rax = 0 if it is 0, else 1
define negate     48 F7 D8                         # neg rax
define complement 48 F7 D0                         # not rax
define index8     48 8D 04 C8                      # lea rax, [rax + rcx * 8]            ; address of the element rcx of an array of ints at rax
define index1     48 8D 04 08                      # lea rax, [rax + rcx]                ; the same of chars
define load8      48 8B 00                         # mov rax, [rax]                      ; the int at rax
define load1      0F B6 00                         # movzx eax, byte ptr [rax]           ; the char at rax
define store8     48 89 08 48 89 C8                # mov [rax], rcx; mov rax, rcx        ; the int rcx to rax; rax = rcx
define store1     88 08 0F B6 C1                   # mov [rax], cl; movzx eax, cl        ; the same of chars
define jump       E9                               # jmp                                 ; %L   go to the label L
define jump0      48 85 C0 0F 84                   # test rax, rax; jz                   ; %L   if rax is 0
define jump1      48 85 C0 0F 85                   # test rax, rax; jnz                  ; %L   if rax is not 0
define call       E8                               # call                                ; %F   call the function F; its value is in rax
define drop       48 81 C4                         # add rsp, N                          ; =N   N bytes of arguments from the stack
define over       E8                               # call                                ; %L   go to the label L, with the place after this on the stack
define address    58                               # pop rax                             ; rax = that place
define enter      55 48 89 E5 48 81 EC 00 02 00 00 # push rbp; mov rbp, rsp; sub rsp, 512; begin a function with room for 64 local variables
define return     C9 C3                            # leave; ret                          ; end it

# ---- what a program can call that is not written in C ------------------------

define pop_rdi                    5F
define mov_rsi,[rsp+16]           48 8B 74 24 10
define mov_rdi,rax                48 89 C7
define mov_rsi,rsp                48 89 E6
define push_rdi                   57
define push_rsi                   56
define mov_eax,60                 B8 3C 00 00 00
define mov_rax,[rsp+32]           48 8B 44 24 20
define mov_rdi,[rsp+24]           48 8B 7C 24 18
define mov_rdx,[rsp+8]            48 8B 54 24 08
define syscall                    0F 05
define ret                        C3

:start                              # exit(main(argc, argv))
    pop_rdi                         # argc
    mov_rsi,rsp                     # argv
    push_rdi
    push_rsi
    call %main
    mov_rdi,rax
    mov_eax,60                      # exit
    syscall
:syscall                            # syscall(number, a, b, c)
    mov_rax,[rsp+32]
    mov_rdi,[rsp+24]
    mov_rsi,[rsp+16]
    mov_rdx,[rsp+8]
    syscall
    ret

