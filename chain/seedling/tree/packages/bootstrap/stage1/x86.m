# x86.m - the instructions that cc0.m is written with: each word is the
# instruction's text, with "_" for a space, and stands for its bytes. Words that
# begin with a jump or call are followed by a label.
#
# The names in brackets are cc0's variables, from 0x10000000 on.

define add_[bss],rax                      48 01 04 25 18 00 00 10
define add_ebx,eax                        01 C3
define add_edx,0x30                       83 C2 30
define add_edx,eax                        01 C2
define add_esi,eax                        01 C6
define add_qword[bss],8                   48 83 04 25 18 00 00 10 08
define add_qword[locals],-8               48 83 04 25 10 00 00 10 F8
define add_qword[rsp],8                   48 83 04 24 08
define add_r14,rcx                        49 01 CE
define add_r14d,0x10100000                41 81 C6 00 00 10 10
define add_rax,7                          48 83 C0 07
define add_rax,8                          48 83 C0 08
define add_rdi,16                         48 83 C7 10
define add_rdi,8                          48 83 C7 08
define add_rsi,2                          48 83 C6 02
define and_rax,-8                         48 83 E0 F8
define call                               E8
define cmp_[r14+8],r10                    4D 39 56 08
define cmp_[rbx+40],rax                   48 39 43 28
define cmp_al,0x0a                        3C 0A
define cmp_al,0x20                        3C 20
define cmp_al,0x21                        3C 21
define cmp_al,0x22                        3C 22
define cmp_al,0x26                        3C 26
define cmp_al,0x27                        3C 27
define cmp_al,0x2f                        3C 2F
define cmp_al,0x30                        3C 30
define cmp_al,0x3c                        3C 3C
define cmp_al,0x3d                        3C 3D
define cmp_al,0x3e                        3C 3E
define cmp_al,0x5c                        3C 5C
define cmp_al,0x5f                        3C 5F
define cmp_al,0x6e                        3C 6E
define cmp_al,0x74                        3C 74
define cmp_al,0x7c                        3C 7C
define cmp_byte[rdi],0x0a                 80 3F 0A
define cmp_byte[rsi+1],0x2a               80 7E 01 2A
define cmp_byte[rsi+1],0x2f               80 7E 01 2F
define cmp_byte[rsi],0                    80 3E 00
define cmp_byte[rsi],0x22                 80 3E 22
define cmp_byte[rsi],0x27                 80 3E 27
define cmp_cl,0x3d                        80 F9 3D
define cmp_cl,al                          38 C1
define cmp_dil,[r8+rcx-1]                 41 3A 7C 08 FF
define cmp_eax,0x80                       3D 80 00 00 00
define cmp_eax,2                          83 F8 02
define cmp_eax,r13d                       44 39 E8
define cmp_ebp,16                         83 FD 10
define cmp_ebp,2                          83 FD 02
define cmp_ebp,[rsp]                      3B 2C 24
define cmp_ecx,10                         83 F9 0A
define cmp_ecx,15                         83 F9 0F
define cmp_ecx,26                         83 F9 1A
define cmp_ecx,9                          83 F9 09
define cmp_edx,1                          83 FA 01
define cmp_qword[bss],0x14000000          48 81 3C 25 18 00 00 10 00 00 00 14
define cmp_qword[r14+16],1                49 83 7E 10 01
define cmp_qword[rbx+16],2                48 83 7B 10 02
define cmp_qword[rsp],1                   48 83 3C 24 01
define cmp_r12,0x13f00000                 49 81 FC 00 00 F0 13
define cmp_r13d,0x21                      41 83 FD 21
define cmp_r13d,0x28                      41 83 FD 28
define cmp_r13d,0x29                      41 83 FD 29
define cmp_r13d,0x2a                      41 83 FD 2A
define cmp_r13d,0x2c                      41 83 FD 2C
define cmp_r13d,0x2d                      41 83 FD 2D
define cmp_r13d,0x3b                      41 83 FD 3B
define cmp_r13d,0x3d                      41 83 FD 3D
define cmp_r13d,0x5b                      41 83 FD 5B
define cmp_r13d,0x7b                      41 83 FD 7B
define cmp_r13d,0x7d                      41 83 FD 7D
define cmp_r13d,0x7e                      41 83 FD 7E
define cmp_r13d,0x80                      41 81 FD 80 00 00 00
define cmp_r13d,0x81                      41 81 FD 81 00 00 00
define cmp_r13d,0x82                      41 81 FD 82 00 00 00
define cmp_r13d,0x83                      41 81 FD 83 00 00 00
define cmp_r13d,0x84                      41 81 FD 84 00 00 00
define cmp_r13d,0x85                      41 81 FD 85 00 00 00
define cmp_r13d,0x86                      41 81 FD 86 00 00 00
define cmp_r13d,0x87                      41 81 FD 87 00 00 00
define cmp_r13d,1                         41 83 FD 01
define cmp_r13d,2                         41 83 FD 02
define cmp_r13d,3                         41 83 FD 03
define cmp_r13d,eax                       41 39 C5
define cmp_r15d,49152                     41 81 FF 00 C0 00 00
define cmp_rax,-512                       48 3D 00 FE FF FF
define cmp_rdi,rsi                        48 39 F7
define cmp_word[rsi-1],0x2f2a             66 81 7E FF 2A 2F
define cmp_word[rsi],0x7830               66 81 3E 30 78
define dec_ebp                            FF CD
define dec_edi                            FF CF
define dec_rcx                            48 FF C9
define div_rcx                            48 F7 F1
define imul_edx,edx,33                    6B D2 21
define imul_r14,r14,10                    4D 6B F6 0A
define imul_rax,rcx                       48 0F AF C1
define inc_eax                            FF C0
define inc_ebp                            FF C5
define inc_edi                            FF C7
define inc_edx                            FF C2
define inc_qword[function]                48 FF 04 25 08 00 00 10
define inc_qword[label]                   48 FF 04 25 00 00 00 10
define inc_r12                            49 FF C4
define inc_r15d                           41 FF C7
define inc_rbp                            48 FF C5
define inc_rdi                            48 FF C7
define inc_rsi                            48 FF C6
define ja                                 0F 87
define jae                                0F 83
define jb                                 0F 82
define jbe                                0F 86
define jc                                 0F 82
define je                                 0F 84
define jl                                 0F 8C
define jle                                0F 8E
define jmp                                E9
define jmp_rdi                            FF E7
define jnc                                0F 83
define jne                                0F 85
define jns                                0F 89
define jnz                                0F 85
define js                                 0F 88
define jz                                 0F 84
define lea_ecx,[rax-0x30]                 8D 48 D0
define lea_ecx,[rax-0x57]                 8D 48 A9
define lea_r9,[rsi+1]                     4C 8D 4E 01
define lea_rdx,[r12-0x10ffffff]           49 8D 94 24 01 00 00 EF
define mov_[base],rdx                     48 89 14 25 28 00 00 10
define mov_[leave],rax                    48 89 04 25 20 00 00 10
define mov_[output],rax                   48 89 04 25 30 00 00 10
define mov_[params+rbp*8],rbx             48 89 1C ED 00 01 00 10
define mov_[r12],al                       41 88 04 24
define mov_[r12],cl                       41 88 0C 24
define mov_[r12],dl                       41 88 14 24
define mov_[r14+16],ebp                   41 89 6E 10
define mov_[r14+8],r10                    4D 89 56 08
define mov_[r14],r8                       4D 89 06
define mov_[rbx+24],rcx                   48 89 4B 18
define mov_[rbx+24],rdx                   48 89 53 18
define mov_[rbx+32],rax                   48 89 43 20
define mov_[rbx+32],rbp                   48 89 6B 20
define mov_[rbx+32],rcx                   48 89 4B 20
define mov_[rbx+40],rax                   48 89 43 28
define mov_[rbx+48],rdx                   48 89 53 30
define mov_[rbx+56],rax                   48 89 43 38
define mov_al,[rdi]                       8A 07
define mov_al,[rsi]                       8A 06
define mov_byte[r12-1],0x0a               41 C6 44 24 FF 0A
define mov_byte[r12],0x0a                 41 C6 04 24 0A
define mov_byte[r12],0x2d                 41 C6 04 24 2D
define mov_byte[rsi],0                    C6 06 00
define mov_cl,[rdi]                       8A 0F
define mov_dil,[rax+rcx-1]                40 8A 7C 08 FF
define mov_eax,0x28                       B8 28 00 00 00
define mov_eax,0x29                       B8 29 00 00 00
define mov_eax,0x3b                       B8 3B 00 00 00
define mov_eax,0x5d                       B8 5D 00 00 00
define mov_eax,0x7b                       B8 7B 00 00 00
define mov_eax,0x7d                       B8 7D 00 00 00
define mov_eax,1                          B8 01 00 00 00
define mov_eax,10                         B8 0A 00 00 00
define mov_eax,2                          B8 02 00 00 00
define mov_eax,60                         B8 3C 00 00 00
define mov_eax,9                          B8 09 00 00 00
define mov_eax,[r14+16]                   41 8B 46 10
define mov_eax,[rdi]                      8B 07
define mov_ebp,0x80                       BD 80 00 00 00
define mov_ebp,1                          BD 01 00 00 00
define mov_ebp,[rdi+4]                    8B 6F 04
define mov_ebp,eax                        89 C5
define mov_ebx,0x10800000                 BB 00 00 80 10
define mov_ecx,10                         B9 0A 00 00 00
define mov_ecx,eax                        89 C1
define mov_edi,0x10800000                 BF 00 00 80 10
define mov_edi,2                          BF 02 00 00 00
define mov_edi,address                    BF
define mov_edi,eax                        89 C7
define mov_edi,ebp                        89 EF
define mov_edx,0x10ffffff                 BA FF FF FF 10
define mov_edx,0x1a4                      BA A4 01 00 00
define mov_edx,1                          BA 01 00 00 00
define mov_edx,8                          BA 08 00 00 00
define mov_esi,0x10800000                 BE 00 00 80 10
define mov_esi,0x11000000                 BE 00 00 00 11
define mov_esi,0x241                      BE 41 02 00 00
define mov_esi,address                    BE
define mov_esi,ebx                        89 DE
define mov_qword[bss],0x10000000          48 C7 04 25 18 00 00 10 00 00 00 10
define mov_qword[locals],0                48 C7 04 25 10 00 00 10 00 00 00 00
define mov_qword[rbx+16],1                48 C7 43 10 01 00 00 00
define mov_qword[rbx+16],2                48 C7 43 10 02 00 00 00
define mov_qword[rbx+16],3                48 C7 43 10 03 00 00 00
define mov_r10,rsi                        49 89 F2
define mov_r12d,0x11000000                41 BC 00 00 00 11
define mov_r13d,1                         41 BD 01 00 00 00
define mov_r13d,2                         41 BD 02 00 00 00
define mov_r13d,3                         41 BD 03 00 00 00
define mov_r13d,eax                       41 89 C5
define mov_r14,rax                        49 89 C6
define mov_r8,rsi                         49 89 F0
define mov_rax,8                          48 C7 C0 08 00 00 00
define mov_rax,[bss]                      48 8B 04 25 18 00 00 10
define mov_rax,[function]                 48 8B 04 25 08 00 00 10
define mov_rax,[label]                    48 8B 04 25 00 00 00 10
define mov_rax,[leave]                    48 8B 04 25 20 00 00 10
define mov_rax,[locals]                   48 8B 04 25 10 00 00 10
define mov_rax,[r14+32]                   49 8B 46 20
define mov_rax,[r14]                      49 8B 06
define mov_rax,[rbx+16]                   48 8B 43 10
define mov_rax,[rbx+32]                   48 8B 43 20
define mov_rax,[rbx+56]                   48 8B 43 38
define mov_rax,[rsp]                      48 8B 04 24
define mov_rax,r14                        4C 89 F0
define mov_rax,rbx                        48 89 D8
define mov_rbp,[rsp+8]                    48 8B 6C 24 08
define mov_rbp,r14                        4C 89 F5
define mov_rbx,[params+rbp*8]             48 8B 1C ED 00 01 00 10
define mov_rbx,r14                        4C 89 F3
define mov_rbx,rcx                        48 89 CB
define mov_rcx,[base]                     48 8B 0C 25 28 00 00 10
define mov_rcx,[bss]                      48 8B 0C 25 18 00 00 10
define mov_rcx,[rbx+32]                   48 8B 4B 20
define mov_rcx,[rbx+8]                    48 8B 4B 08
define mov_rcx,r10                        4C 89 D1
define mov_rdi,[output]                   48 8B 3C 25 30 00 00 10
define mov_rdi,[rbx]                      48 8B 3B
define mov_rdx,[rbx+24]                   48 8B 53 18
define mov_rdx,[rbx+48]                   48 8B 53 30
define mov_rdx,r12                        4C 89 E2
define movzx_eax,byte[rsi]                0F B6 06
define movzx_ecx,byte[rsi]                0F B6 0E
define movzx_r14d,dx                      44 0F B7 F2
define neg_rax                            48 F7 D8
define or_al,0x20                         0C 20
define or_ecx,0x20                        83 C9 20
define or_r13d,ecx                        41 09 CD
define pop_qword[leave]                   8F 04 25 20 00 00 10
define pop_rax                            58
define pop_rbp                            5D
define pop_rbx                            5B
define pop_rdi                            5F
define pop_rdx                            5A
define pop_rsi                            5E
define push_0                             6A 00
define push_qword[leave]                  FF 34 25 20 00 00 10
define push_rax                           50
define push_rbp                           55
define push_rbx                           53
define push_rdi                           57
define push_rdx                           52
define push_rsi                           56
define ret                                C3
define shl_ecx,8                          C1 E1 08
define shl_r14,4                          49 C1 E6 04
define shl_r14d,6                         41 C1 E6 06
define shr_rax,31                         48 C1 E8 1F
define stc                                F9
define sub_ecx,0x61                       83 E9 61
define sub_edx,esi                        29 F2
define sub_r10,r8                         4D 29 C2
define sub_rdx,rsi                        48 29 F2
define syscall                            0F 05
define test_al,al                         84 C0
define test_cl,cl                         84 C9
define test_eax,eax                       85 C0
define test_r13d,r13d                     45 85 ED
define test_rax,rax                       48 85 C0
define test_rdi,rdi                       48 85 FF
define test_rdx,rdx                       48 85 D2
define xor_eax,eax                        31 C0
define xor_ebp,ebp                        31 ED
define xor_edi,edi                        31 FF
define xor_edx,edx                        31 D2
define xor_esi,esi                        31 F6
define xor_r13d,r13d                      45 31 ED
define xor_r14d,r14d                      45 31 F6
