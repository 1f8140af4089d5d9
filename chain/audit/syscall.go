package audit

import (
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// Linux system calls that a seed may make, by number: x86 through int 0x80 and
// x86-64 through syscall (arch/x86/entry/syscalls of the kernel).
var (
	calls32 = map[int64]string{1: "exit", 3: "read", 4: "write", 5: "open", 6: "close", 11: "execve", 15: "chmod", 19: "lseek", 45: "brk", 90: "mmap", 125: "mprotect"}
	calls64 = map[int64]string{0: "read", 1: "write", 2: "open", 3: "close", 8: "lseek", 9: "mmap", 10: "mprotect", 12: "brk", 57: "fork", 59: "execve", 60: "exit", 90: "chmod", 231: "exit_group"}
)

// callTracker follows the accumulator from one instruction to the next, as far
// as its value is certain, to name the system call that is made.
type callTracker struct {
	mode   int
	pushed *int64 // constant that the last instruction pushed
	acc    *int64 // constant in eax or rax
}

// note gives the name of a system call, "" when the instruction makes none or
// its number is not certain.
func (t *callTracker) note(inst x86asm.Inst) string {
	pushed := t.pushed
	t.pushed = nil
	switch inst.Op {
	case x86asm.INT, x86asm.SYSCALL:
		known := t.acc
		t.acc = nil
		names := calls64
		if inst.Op == x86asm.INT {
			names = calls32
			if inst.Args[0] != x86asm.Imm(0x80) {
				return ""
			}
		}
		if known == nil {
			return "   ; system call"
		}
		if name, ok := names[*known]; ok {
			return fmt.Sprintf("   ; system call %d, %s", *known, name)
		}
		return fmt.Sprintf("   ; system call %d", *known)
	case x86asm.PUSH:
		if v, ok := inst.Args[0].(x86asm.Imm); ok {
			n := int64(v)
			t.pushed = &n
		}
	case x86asm.POP:
		if accumulator(inst.Args[0]) {
			t.acc = pushed
		}
	case x86asm.MOV:
		if v, ok := inst.Args[1].(x86asm.Imm); ok && (inst.Args[0] == x86asm.EAX || inst.Args[0] == x86asm.RAX) {
			n := int64(v)
			t.acc = &n
		} else if accumulator(inst.Args[0]) {
			t.acc = nil
		}
	case x86asm.CDQ, x86asm.CQO, x86asm.TEST, x86asm.CMP:
	case x86asm.CALL, x86asm.RET, x86asm.JMP:
		t.acc = nil
	default:
		if accumulator(inst.Args[0]) || inst.Op == x86asm.XCHG {
			t.acc = nil
		}
	}
	return ""
}

func accumulator(a x86asm.Arg) bool {
	switch a {
	case x86asm.AL, x86asm.AH, x86asm.AX, x86asm.EAX, x86asm.RAX:
		return true
	}
	return false
}
