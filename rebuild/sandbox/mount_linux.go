package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/continuity/fs"
	"golang.org/x/sys/unix"
)

// kernelMount is a file system of the kernel that every step has.
type kernelMount struct {
	dest, typ, data string
	flags           uintptr
}

const noSuidExecDev = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV

// kernelMounts are in the order that a step can see in /proc/mounts.
func kernelMounts() []kernelMount {
	mounts := []kernelMount{
		{"/proc", "proc", "", noSuidExecDev},
		{"/dev", "tmpfs", "mode=755,size=65536k", unix.MS_NOSUID | unix.MS_STRICTATIME},
		{"/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5", unix.MS_NOSUID | unix.MS_NOEXEC},
		{"/dev/shm", "tmpfs", "mode=1777,size=65536k", noSuidExecDev},
		{"/dev/mqueue", "mqueue", "", noSuidExecDev},
		{"/sys", "sysfs", "", noSuidExecDev | unix.MS_RDONLY},
	}
	// Version 2 only; a step on a host with version 1 goes without.
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		mounts = append(mounts, kernelMount{"/sys/fs/cgroup", "cgroup2", "", noSuidExecDev | unix.MS_RDONLY})
	}
	return mounts
}

// mountAll makes every mount of the step below its root file system.
func (sp *spec) mountAll() error {
	taken := map[string]bool{}
	for _, m := range sp.Mounts {
		taken[filepath.Clean(m.Dest)] = true
	}
	for _, m := range kernelMounts() {
		if taken[m.dest] {
			continue
		}
		if err := sp.mountKernel(m); err != nil {
			return fmt.Errorf("mounting %s: %w", m.dest, err)
		}
	}
	options := []string{"rbind", "ro", "nosuid", "noexec", "nodev"}
	mounts := []stepMount{
		{[]mount.Mount{{Type: "bind", Source: sp.ResolvConf, Options: options}}, "", "/etc/resolv.conf", true},
		{[]mount.Mount{{Type: "bind", Source: sp.Hosts, Options: options}}, "", "/etc/hosts", true},
	}
	own := len(mounts)
	for i, m := range append(mounts, sp.Mounts...) {
		if i < own && taken[m.Dest] {
			continue
		}
		if err := sp.mountStep(i, m); err != nil {
			return fmt.Errorf("mounting %q: %w", m.Dest, err)
		}
	}
	return nil
}

func (sp *spec) mountKernel(m kernelMount) error {
	p, err := sp.point(m.dest, true)
	if err != nil {
		return err
	}
	err = unix.Mount(m.typ, p, m.typ, m.flags, m.data)
	switch {
	case err != nil && m.typ == "devpts": // group 5 is not mapped in a user namespace with one uid
		err = unix.Mount(m.typ, p, m.typ, m.flags, "newinstance,ptmxmode=0666,mode=0620")
	case err != nil && m.typ == "cgroup2": // not delegated to this user: the step goes without
		return nil
	}
	if err != nil {
		return err
	}
	if m.dest == "/dev" {
		return makeDevices(p)
	}
	return nil
}

func (sp *spec) mountStep(i int, m stepMount) error {
	if sel := filepath.Join("/", m.Selector); sel != "/" {
		sub, err := sp.selectSource(i, m, sel)
		if err != nil {
			return err
		}
		m.Mounts = sub
	}
	dir := true
	if m.Mounts[0].Type == "bind" || m.Mounts[0].Type == "rbind" {
		st, err := os.Stat(m.Mounts[0].Source)
		if err != nil {
			return err
		}
		dir = st.IsDir()
	}
	p, err := sp.point(m.Dest, dir)
	if err != nil {
		return err
	}
	return mount.All(m.Mounts, p)
}

// selectSource mounts the whole source aside and gives a bind of the selected
// part of it.
func (sp *spec) selectSource(i int, m stepMount, sel string) ([]mount.Mount, error) {
	aside := filepath.Join(sp.Bundle, fmt.Sprintf("source%d", i))
	if err := os.Mkdir(aside, 0o700); err != nil {
		return nil, err
	}
	if err := mount.All(m.Mounts, aside); err != nil {
		return nil, err
	}
	src, err := fs.RootPath(aside, sel) // never outside the source, whatever its links say
	if err != nil {
		return nil, err
	}
	options := []string{"rbind"}
	if m.ReadOnly {
		options = append(options, "ro")
	}
	return []mount.Mount{{Type: "bind", Source: src, Options: options}}, nil
}

// point gives the place of dest inside the root file system and makes it when
// it is missing. Its links are resolved inside the root file system.
func (sp *spec) point(dest string, dir bool) (string, error) {
	p, err := fs.RootPath(sp.Rootfs, dest)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(p); err == nil {
		return p, nil
	}
	if dir {
		return p, os.MkdirAll(p, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return "", err
	}
	f, err := os.OpenFile(p, os.O_CREATE, 0o755)
	if err != nil {
		return "", err
	}
	return p, f.Close()
}

// pivot makes the root file system the root and lets go of the old one.
func (sp *spec) pivot() error {
	if err := os.Chdir(sp.Rootfs); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("letting go of the old root: %w", err)
	}
	return os.Chdir("/")
}

// Places that Docker's default profile makes read-only or hides.
var (
	readOnlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
	maskedPaths   = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
		"/sys/devices/virtual/powercap",
	}
)

// protect hides and write-protects what shows the host or changes it.
func (sp *spec) protect() error {
	for _, p := range readOnlyPaths {
		if err := unix.Mount(p, p, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			if os.IsNotExist(err) {
				continue
			}
			return fmt.Errorf("protecting %s: %w", p, err)
		}
		if err := unix.Mount("", p, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|noSuidExecDev, ""); err != nil {
			return fmt.Errorf("protecting %s: %w", p, err)
		}
	}
	for _, p := range maskedPaths {
		st, err := os.Stat(p)
		if err != nil {
			continue
		}
		if st.IsDir() {
			err = unix.Mount("tmpfs", p, "tmpfs", unix.MS_RDONLY, "")
		} else {
			err = unix.Mount("/dev/null", p, "", unix.MS_BIND, "")
		}
		if err != nil {
			return fmt.Errorf("hiding %s: %w", p, err)
		}
	}
	if !sp.ReadonlyRoot {
		return nil
	}
	return unix.Mount("", "/", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
}
