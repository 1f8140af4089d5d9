package executable

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// javaOps are the instructions of the Java virtual machine by number, each with what
// follows it: b and s a number of 1 or 2 bytes, c and C a constant's number in 1 or 2
// bytes, v a local variable, j and J a distance of 2 or 4 bytes, t a type, z a byte,
// and, alone, T, L and W what tableswitch, lookupswitch and wide have. Numbers after
// a name stand for as many instructions. JVMS, chapter 6.
const javaOps = `nop aconst_null iconst_m1 iconst_0..5 lconst_0..1 fconst_0..2 dconst_0..1 bipush:b sipush:s ldc:c ldc_w:C ldc2_w:C
iload:v lload:v fload:v dload:v aload:v iload_0..3 lload_0..3 fload_0..3 dload_0..3 aload_0..3
iaload laload faload daload aaload baload caload saload istore:v lstore:v fstore:v dstore:v astore:v
istore_0..3 lstore_0..3 fstore_0..3 dstore_0..3 astore_0..3 iastore lastore fastore dastore aastore bastore castore sastore
pop pop2 dup dup_x1 dup_x2 dup2 dup2_x1 dup2_x2 swap iadd ladd fadd dadd isub lsub fsub dsub imul lmul fmul dmul
idiv ldiv fdiv ddiv irem lrem frem drem ineg lneg fneg dneg ishl lshl ishr lshr iushr lushr iand land ior lor ixor lxor iinc:vb
i2l i2f i2d l2i l2f l2d f2i f2l f2d d2i d2l d2f i2b i2c i2s lcmp fcmpl fcmpg dcmpl dcmpg ifeq:j ifne:j iflt:j ifge:j ifgt:j ifle:j
if_icmpeq:j if_icmpne:j if_icmplt:j if_icmpge:j if_icmpgt:j if_icmple:j if_acmpeq:j if_acmpne:j goto:j jsr:j ret:v
tableswitch:T lookupswitch:L ireturn lreturn freturn dreturn areturn return getstatic:C putstatic:C getfield:C putfield:C
invokevirtual:C invokespecial:C invokestatic:C invokeinterface:Czz invokedynamic:Czz new:C newarray:t anewarray:C arraylength
athrow checkcast:C instanceof:C monitorenter monitorexit wide:W multianewarray:Cz ifnull:j ifnonnull:j goto_w:J jsr_w:J`

// javaOp is an instruction, and what follows it.
type javaOp struct{ name, operands string }

var javaTable = func() (out []javaOp) {
	for _, f := range strings.Fields(javaOps) {
		name, operands, _ := strings.Cut(f, ":")
		base, last, many := strings.Cut(name, "..")
		if !many {
			out = append(out, javaOp{name, operands})
			continue
		}
		for k := 0; k <= int(last[0]-'0'); k++ {
			out = append(out, javaOp{base[:len(base)-1] + strconv.Itoa(k), operands})
		}
	}
	return out
}()

// maxMethod bounds the code of a method: the format has no more.
const maxMethod = 1<<16 - 1

// javaTypes are those of the elements of an array, from 4 on.
var javaTypes = []string{"boolean", "char", "float", "double", "byte", "short", "int", "long"}

// constant writes what a constant says, whatever its number is.
func (c *class) constant(i int) string {
	r, v := c.refs[i], c.values[i]
	switch c.tags[i] {
	case 1:
		return strconv.Quote(c.utf8[i])
	case 3:
		return fmt.Sprint(int32(binary.BigEndian.Uint32(v)))
	case 4:
		return fmt.Sprintf("%gf", math.Float32frombits(binary.BigEndian.Uint32(v)))
	case 5:
		return fmt.Sprint(int64(binary.BigEndian.Uint64(v)), "L")
	case 6:
		return fmt.Sprintf("%gd", math.Float64frombits(binary.BigEndian.Uint64(v)))
	case 7, 19, 20:
		return c.utf8[r[0]]
	case 8:
		return strconv.Quote(c.utf8[r[0]])
	case 9, 10, 11:
		if c.tags[r[1]] == 12 {
			return c.utf8[c.refs[r[0]][0]] + "." + c.constant(r[1])
		}
	case 12:
		return c.utf8[r[0]] + " " + c.utf8[r[1]]
	case 15:
		if t := c.tags[r[1]]; t >= 9 && t <= 11 {
			return fmt.Sprintf("handle %d of %s", r[0], c.constant(r[1]))
		}
	case 16:
		return "type " + c.utf8[r[0]]
	case 17, 18:
		if c.tags[r[1]] == 12 {
			return fmt.Sprintf("%s, by bootstrap method %d", c.constant(r[1]), r[0])
		}
	}
	return fmt.Sprintf("constant %d", i)
}

// javaCode is a method's code as lines: where it was placed is not said, so that code
// that moved is equal.
type javaCode struct {
	c     *class
	p     []byte
	lines []string
	at    []int       // where each instruction begins
	jumps map[int]int // of instructions, where they lead
}

// read takes the code apart; what is no instruction ends it.
func (j *javaCode) read() {
	for off := 0; off < len(j.p); {
		n, line, ok := j.instruction(off)
		if !ok || off+n > len(j.p) {
			j.lines, j.at = append(j.lines, fmt.Sprintf("no instruction: %x", j.p[off:min(len(j.p), off+8)])), append(j.at, off)
			return
		}
		j.lines, j.at = append(j.lines, line), append(j.at, off)
		off += n
	}
	index := map[int]int{}
	for i, at := range j.at {
		index[at] = i
	}
	for i, at := range j.at {
		if to, ok := j.jumps[at]; ok {
			if k, ok := index[to]; ok {
				j.lines[i] += fmt.Sprintf(" %+d instructions", k-i)
			} else {
				j.lines[i] += fmt.Sprintf(" into an instruction at byte %d", to)
			}
		}
	}
}

func (j *javaCode) instruction(off int) (n int, line string, ok bool) {
	if int(j.p[off]) >= len(javaTable) {
		return 0, "", false
	}
	op := javaTable[j.p[off]]
	rest := j.p[off+1:]
	switch op.operands {
	case "T", "L":
		return j.table(off, op)
	case "W":
		return wideOp(rest)
	}
	n = 1
	line = op.name
	for _, kind := range op.operands {
		size := map[rune]int{'s': 2, 'C': 2, 'j': 2, 'J': 4}[kind]
		if size == 0 {
			size = 1
		}
		if len(rest) < size {
			return 0, "", false
		}
		v := 0
		switch size {
		case 1:
			v = int(int8(rest[0]))
		case 2:
			v = int(int16(binary.BigEndian.Uint16(rest)))
		case 4:
			v = int(int32(binary.BigEndian.Uint32(rest)))
		}
		switch kind {
		case 'c':
			line += " " + short(j.c.constant(v&0xff))
		case 'C':
			line += " " + short(j.c.constant(v&0xffff))
		case 'j', 'J':
			j.jumps[off] = off + v
		case 'v', 'z':
			line += fmt.Sprintf(" %d", v&0xff)
		case 't':
			if k := v - 4; k >= 0 && k < len(javaTypes) {
				line += " " + javaTypes[k]
			} else {
				line += fmt.Sprintf(" type %d", v)
			}
		default:
			line += fmt.Sprintf(" %d", v)
		}
		n, rest = n+size, rest[size:]
	}
	return n, line, true
}

// table reads tableswitch and lookupswitch, whose numbers are aligned. Where they
// lead is told in bytes.
func (j *javaCode) table(off int, op javaOp) (n int, line string, ok bool) {
	at := (off + 4) &^ 3
	num := func() int {
		if at+4 > len(j.p) {
			at = len(j.p) + 1
			return 0
		}
		v := int(int32(binary.BigEndian.Uint32(j.p[at:])))
		at += 4
		return v
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s default %+d", op.name, num())
	if op.operands == "T" {
		low, high := num(), num()
		for k := low; k <= high && at <= len(j.p); k++ {
			fmt.Fprintf(&b, ", %d %+d", k, num())
		}
	} else {
		for k := num(); k > 0 && at <= len(j.p); k-- {
			key := num()
			fmt.Fprintf(&b, ", %d %+d", key, num())
		}
	}
	return at - off, b.String(), at <= len(j.p)
}

// wideOp is an instruction on a local variable with a number of two bytes.
func wideOp(p []byte) (n int, line string, ok bool) {
	if len(p) < 3 || int(p[0]) >= len(javaTable) || !strings.HasPrefix(javaTable[p[0]].operands, "v") {
		return 0, "", false
	}
	op := javaTable[p[0]]
	line = fmt.Sprintf("wide %s %d", op.name, binary.BigEndian.Uint16(p[1:]))
	if op.operands == "v" {
		return 4, line, true
	}
	if len(p) < 5 {
		return 0, "", false
	}
	return 6, fmt.Sprintf("%s %d", line, int16(binary.BigEndian.Uint16(p[3:]))), true
}

// codeOf gives the lines of a method's code, and those around it: its flags, its
// limits, which exceptions are caught, and the lines of the source.
func (c *class) codeOf(method []byte) (code, around []string) {
	m := &class{p: method}
	around = append(around, fmt.Sprintf("flags %#x", m.u16()))
	m.take(4)
	for n := m.u16(); n > 0 && !m.failed; n-- {
		name := c.utf8[m.u16()]
		body := m.take(m.u32())
		if name != "Code" || m.failed {
			around = append(around, fmt.Sprintf("%s: %s", short(name), plural(len(body), "byte")))
			continue
		}
		k := &class{p: body}
		around = append(around, fmt.Sprintf("stack %d, locals %d", k.u16(), k.u16()))
		j := &javaCode{c: c, p: k.take(k.u32()), jumps: map[int]int{}}
		if k.failed {
			continue
		}
		if len(j.p) > maxMethod {
			around = append(around, fmt.Sprintf("code of %d bytes, which no machine runs", len(j.p)))
			continue
		}
		j.read()
		code = j.lines
		for n := k.u16(); n > 0 && !k.failed; n-- {
			from, to, handler, typ := k.u16(), k.u16(), k.u16(), k.u16()
			what := "anything"
			if typ > 0 {
				what = c.constant(typ)
			}
			around = append(around, fmt.Sprintf("bytes %d to %d: %s is caught at %d", from, to, short(what), handler))
		}
		for n := k.u16(); n > 0 && !k.failed; n-- {
			name := c.utf8[k.u16()]
			around = append(around, fmt.Sprintf("%s: %s", short(name), plural(len(k.take(k.u32())), "byte")))
		}
	}
	return code, around
}

// methods lets the methods of two classes be compared as instructions beside their
// bytes. Other instructions are suspicious; constants with other numbers are not.
func methods(ca, cb *class) {
	for _, c := range []*class{ca, cb} {
		for i := range c.parts {
			p := &c.parts[i]
			if !strings.HasPrefix(p.Name, "method ") {
				continue
			}
			p.Compare = func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
				n.Kind = diff.KindBinary
				if err := x.Binary(ctx, n, a, b); err != nil {
					return err
				}
				pa, pb, err := both(a, b)
				if err != nil {
					return err
				}
				codeA, aroundA := ca.codeOf(pa)
				codeB, aroundB := cb.codeOf(pb)
				suspectBytecode(n, codeA, codeB)
				x.Listing(n, "bytecode", lines(append(aroundA, codeA...)), lines(append(aroundB, codeB...)))
				return nil
			}
		}
	}
}

// suspectBytecode says the first place at which two methods do something else.
func suspectBytecode(n *diff.Node, a, b []string) {
	k := 0
	for k < len(a) && k < len(b) && a[k] == b[k] {
		k++
	}
	at := func(l []string) string {
		if k < len(l) {
			return l[k]
		}
		return "the end"
	}
	if k < len(a) || k < len(b) {
		n.Suspect(diff.Suspicion{Kind: diff.SuspectChangedCode, What: fmt.Sprintf("instruction %d: %s → %s", k+1, at(a), at(b))})
	}
}
