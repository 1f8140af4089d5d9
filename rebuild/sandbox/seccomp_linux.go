package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Return values of a filter program, from linux/seccomp.h.
const (
	returnAllow = 0x7fff0000
	returnErrno = 0x00050000
)

// Offsets in struct seccomp_data: number, architecture, six 64-bit arguments.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
)

// The instructions that filters are made of.
const (
	load        = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	jumpEqual   = unix.BPF_JMP | unix.BPF_JEQ
	jumpAtLeast = unix.BPF_JMP | unix.BPF_JGE
	jumpAbove   = unix.BPF_JMP | unix.BPF_JGT
	jumpAlways  = unix.BPF_JMP | unix.BPF_JA
	giveBack    = unix.BPF_RET
	maskWith    = unix.BPF_ALU | unix.BPF_AND
)

type program []unix.SockFilter

func (p *program) add(code uint16, k uint32) { *p = append(*p, unix.SockFilter{Code: code, K: k}) }

// compileFilter makes a BPF program of Docker's default profile for 64-bit and
// 32-bit x86: StageX's first stages are 32-bit programs. Every other
// architecture's calls are refused.
func compileFilter() (program, error) {
	capabilities := slices.Collect(maps.Values(kept))
	profile, err := seccomp.GetDefaultProfile(&specs.Spec{
		Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: capabilities}},
		Linux:   &specs.Linux{},
	})
	if err != nil {
		return nil, err
	}
	deny := errnoOr(profile.DefaultErrnoRet, uint32(unix.EPERM))
	var p program
	for _, a := range []struct {
		id    uint32
		calls map[string]int
	}{{unix.AUDIT_ARCH_X86_64, arch.X86_64.SyscallNames}, {unix.AUDIT_ARCH_I386, arch.I386.SyscallNames}} {
		body, err := compileCalls(profile.Syscalls, a.calls, deny)
		if err != nil {
			return nil, err
		}
		p.add(load, offsetArch)
		p = append(p, unix.SockFilter{Code: jumpEqual, Jt: 1, K: a.id})
		p.add(jumpAlways, uint32(len(body))) // the offset of a plain jump has 32 bits, of a branch only 8
		p = append(p, body...)
	}
	p.add(giveBack, deny)
	return p, nil
}

func errnoOr(errno *uint, otherwise uint32) uint32 {
	if errno != nil {
		return returnErrno | uint32(*errno)
	}
	return returnErrno | otherwise
}

// compileCalls makes the part of the program for one architecture.
func compileCalls(rules []specs.LinuxSyscall, numbers map[string]int, deny uint32) (program, error) {
	byNumber := map[int][]specs.LinuxSyscall{}
	for _, r := range rules {
		for _, name := range r.Names {
			if nr, ok := numbers[name]; ok {
				byNumber[nr] = append(byNumber[nr], r)
			}
		}
	}
	order := slices.Sorted(maps.Keys(byNumber))
	var p program
	p.add(load, offsetNumber)
	// A call newer than the profile does not exist, as runc has it: programs
	// then fall back, which they would not do on EPERM.
	p = append(p, unix.SockFilter{Code: jumpAbove, Jf: 1, K: uint32(order[len(order)-1])})
	p.add(giveBack, returnErrno|uint32(unix.ENOSYS))
	for _, nr := range order {
		for _, r := range byNumber[nr] {
			c, err := compileRule(r, deny)
			if err != nil {
				return nil, err
			}
			if len(c) > 255 {
				return nil, fmt.Errorf("rule for call %d is too long for a branch", nr)
			}
			p = append(p, unix.SockFilter{Code: jumpEqual, Jf: uint8(len(c)), K: uint32(nr)})
			p = append(p, c...)
		}
	}
	p.add(giveBack, deny)
	return p, nil
}

// compileRule makes the part that decides one call whose number matched; when
// its arguments do not match, it loads the number again and falls through.
func compileRule(r specs.LinuxSyscall, deny uint32) (program, error) {
	var action uint32
	switch r.Action {
	case specs.ActAllow:
		action = returnAllow
	case specs.ActErrno:
		action = deny
		if r.ErrnoRet != nil {
			action = errnoOr(r.ErrnoRet, 0)
		}
	default:
		return nil, fmt.Errorf("action %s is not known", r.Action)
	}
	var p program
	type branch struct {
		at   int
		when bool // leaves when the comparison holds
	}
	var leave []branch
	for _, a := range r.Args {
		low, high := uint32(offsetArgs+8*a.Index), uint32(offsetArgs+4+8*a.Index)
		switch a.Op {
		case specs.OpNotEqual, specs.OpLessThan, specs.OpGreaterThan:
			// The low word is enough for what the profile compares so (address families).
			p.add(load, low)
			code := map[specs.LinuxSeccompOperator]uint16{specs.OpNotEqual: jumpEqual, specs.OpLessThan: jumpAtLeast, specs.OpGreaterThan: jumpAbove}[a.Op]
			leave = append(leave, branch{len(p), a.Op != specs.OpGreaterThan})
			p.add(code, uint32(a.Value))
		case specs.OpEqualTo, specs.OpMaskedEqual:
			mask, value := ^uint64(0), a.Value
			if a.Op == specs.OpMaskedEqual {
				mask, value = a.Value, a.ValueTwo
			}
			for _, w := range []struct{ offset, mask, value uint32 }{
				{high, uint32(mask >> 32), uint32(value >> 32)}, {low, uint32(mask), uint32(value)},
			} {
				if w.mask == 0 {
					continue
				}
				p.add(load, w.offset)
				p.add(maskWith, w.mask)
				leave = append(leave, branch{len(p), false})
				p.add(jumpEqual, w.value)
			}
		default:
			return nil, fmt.Errorf("comparison %s is not known", a.Op)
		}
	}
	p.add(giveBack, action)
	if len(r.Args) == 0 {
		return p, nil
	}
	for _, b := range leave {
		distance := uint8(len(p) - b.at - 1)
		if b.when {
			p[b.at].Jt = distance
		} else {
			p[b.at].Jf = distance
		}
	}
	p.add(load, offsetNumber)
	return p, nil
}

// loadFilter installs the program for this thread and what it becomes.
// SECCOMP_FILTER_FLAG_SPEC_ALLOW leaves speculation alone, as runc does.
func loadFilter(p program) error {
	if len(p) == 0 {
		return nil
	}
	fp := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	const setModeFilter, specAllow = 1, 4
	if _, _, e := unix.RawSyscall(unix.SYS_SECCOMP, setModeFilter, specAllow, uintptr(unsafe.Pointer(&fp))); e != 0 {
		return e
	}
	return nil
}
