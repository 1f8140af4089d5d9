# elf.m - the headers of an executable file, for everything that masm assembles.
#
# Two segments: the file itself, to be read and executed, at 4194304 (0x400000),
# and 64 MiB of zeros, to be read and written, at 268435456 (0x10000000). The
# program that follows defines the labels start and end.

    !127 "ELF" !2 !1 !1 !0              # magic number, 64-bit, little endian, version 1, System V
    =0 =0                               # padding
    !2 !0 !62 !0                        # executable, x86-64
    =1                                  # ELF version 1
    &start =0                           # entry point
    =64 =0                              # program header table at 64
    =0 =0                               # no section headers
    =0                                  # no flags
    !64 !0 !56 !0 !2 !0                 # sizes of this header and a program header; two of these
    !64 !0 !0 !0 !0 !0                  # no section headers

    =1 =5                               # load; read and execute
    =0 =0                               # from file offset 0
    =4194304 =0                         # to this address
    =4194304 =0                         # physical address: not used
    @end =0                             # bytes in the file
    @end =0                             # bytes in memory
    =4096 =0                            # alignment

    =1 =6                               # load; read and write
    =0 =0                               # nothing of the file
    =268435456 =0                       # to this address
    =268435456 =0                       # physical address: not used
    =0 =0                               # no bytes in the file
    =67108864 =0                        # bytes in memory, zero
    =4096 =0                            # alignment

