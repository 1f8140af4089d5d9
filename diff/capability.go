package diff

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// capabilityXattr is the attribute that gives a program capabilities.
const capabilityXattr = "security.capability"

// capabilityNames are those of linux/capability.h, by number.
var capabilityNames = strings.Fields(`cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid cap_kill
	cap_setgid cap_setuid cap_setpcap cap_linux_immutable cap_net_bind_service cap_net_broadcast cap_net_admin
	cap_net_raw cap_ipc_lock cap_ipc_owner cap_sys_module cap_sys_rawio cap_sys_chroot cap_sys_ptrace cap_sys_pacct
	cap_sys_admin cap_sys_boot cap_sys_nice cap_sys_resource cap_sys_time cap_sys_tty_config cap_mknod cap_lease
	cap_audit_write cap_audit_control cap_setfcap cap_mac_override cap_mac_admin cap_syslog cap_wake_alarm
	cap_block_suspend cap_audit_read cap_perfmon cap_bpf cap_checkpoint_restore`)

// capabilities writes the capabilities of a file as getcap does, e.g.
// "cap_setuid=ep" (linux/capability.h, vfs_cap_data). It reports false when the
// attribute is not of a form that is known.
func capabilities(attr string) (string, bool) {
	p := []byte(attr)
	if len(p) < 4 {
		return "", false
	}
	magic := binary.LittleEndian.Uint32(p)
	words := map[uint32]int{0x01000000: 1, 0x02000000: 2, 0x03000000: 2}[magic&^1]
	size := 4 + 8*words
	if magic&^1 == 0x03000000 {
		size += 4
	}
	if words == 0 || len(p) != size {
		return "", false
	}
	by := map[string][]string{} // names by their flags
	for i := range 32 * words {
		at, bit := 4+8*(i/32), uint32(1)<<(i%32)
		flags := ""
		if binary.LittleEndian.Uint32(p[at+4:])&bit != 0 {
			flags = "i"
		}
		if binary.LittleEndian.Uint32(p[at:])&bit != 0 {
			flags += "p"
		}
		if flags == "" {
			continue
		}
		if magic&1 != 0 {
			flags = "e" + flags
		}
		name := fmt.Sprint(i)
		if i < len(capabilityNames) {
			name = capabilityNames[i]
		}
		by[flags] = append(by[flags], name)
	}
	var out []string
	for flags, names := range by {
		out = append(out, strings.Join(names, ",")+"="+flags)
	}
	slices.Sort(out)
	if len(out) == 0 {
		out = []string{"="}
	}
	if magic&^1 == 0x03000000 {
		out = append(out, fmt.Sprintf("[rootid=%d]", binary.LittleEndian.Uint32(p[size-4:])))
	}
	return strings.Join(out, " "), true
}

// attribute is the field of an extended attribute, its value as people read it.
func attribute(name, value string) Field {
	if name == capabilityXattr {
		if text, ok := capabilities(value); ok {
			return Field{"xattr " + name, text}
		}
	}
	return Field{"xattr " + name, printable(value)}
}
