// Command probe is what the tests run as a step: it writes down what a step
// can see of its sandbox, fails, or waits.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	switch os.Args[1] {
	case "true":
	case "fail":
		fmt.Println("about to fail")
		fmt.Fprintln(os.Stderr, "\x1b[31mhostile\x1b[0m reason")
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	case "wait":
		signal.Ignore(syscall.SIGTERM)
		child := exec.Command("/proc/self/exe", "sleep")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		child.Start()
		fmt.Println("waiting")
		time.Sleep(10 * time.Minute)
	case "sleep":
		signal.Ignore(syscall.SIGTERM)
		time.Sleep(10 * time.Minute)
	case "write":
		check(os.WriteFile(os.Args[2], []byte(os.Args[3]), 0o666))
	case "mkdir":
		check(os.MkdirAll(os.Args[2], 0o755))
	case "mode":
		mode, err := strconv.ParseUint(os.Args[3], 8, 32)
		check(err)
		check(syscall.Chmod(os.Args[2], uint32(mode)))
	case "link":
		check(os.Symlink(os.Args[3], os.Args[2]))
	case "rename":
		check(os.Rename(os.Args[2], os.Args[3]))
	case "remove":
		check(os.RemoveAll(os.Args[2]))
	case "sly": // writes, and gives the file the time it had
		info, err := os.Stat(os.Args[2])
		check(err)
		check(os.WriteFile(os.Args[2], []byte(os.Args[3]), 0o666))
		check(os.Chtimes(os.Args[2], info.ModTime(), info.ModTime()))
	case "fill":
		f, err := os.Create(os.Args[2])
		check(err)
		block := make([]byte, 1<<20)
		for {
			if _, err := f.Write(block); err != nil {
				fmt.Println(err)
				os.Exit(28)
			}
		}
	case "look":
		look(os.Args[2])
	}
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// look writes everything that a configure script could find into out.
func look(out string) {
	var b strings.Builder
	put := func(k string, v any) { fmt.Fprintf(&b, "%s: %v\n", k, v) }
	put("args", os.Args)
	put("env", os.Environ())
	host, _ := os.Hostname()
	put("host", host)
	cwd, _ := os.Getwd()
	put("cwd", cwd)
	groups, _ := os.Getgroups()
	put("ids", []any{os.Getuid(), os.Geteuid(), os.Getgid(), groups})
	put("pid", os.Getpid())
	old := syscall.Umask(0)
	put("umask", old)
	for r := 0; r < 16; r++ {
		if r == 6 || r == 8 || r == 11 || r == 12 { // of the machine: processes, locked memory, signals, queues
			continue
		}
		var l syscall.Rlimit
		syscall.Getrlimit(r, &l)
		put("limit "+strconv.Itoa(r), l)
	}
	for line := range strings.Lines(read("/proc/self/status")) {
		for _, k := range []string{"Cap", "NoNewPrivs", "Seccomp:", "Groups"} {
			if strings.HasPrefix(line, k) {
				b.WriteString(line)
			}
		}
	}
	put("hosts", read("/etc/hosts"))
	for line := range strings.Lines(read("/proc/mounts")) {
		f := strings.Fields(line)
		if f[1] == "/" || f[2] == "cgroup" || strings.HasPrefix(f[1], "/sys/fs/cgroup") || strings.HasPrefix(f[1], "/etc/") || f[1] == "/bin" {
			continue
		}
		put("mount", f[1:3])
	}
	for _, dir := range []string{"/", "/dev", "/proc/self/fd", "/etc", "/run"} {
		put("list "+dir, list(dir))
	}
	put("kcore", read("/proc/kcore"))
	put("sysctl", os.WriteFile("/proc/sys/kernel/hostname", []byte("x"), 0))
	put("unshare", syscall.Unshare(syscall.CLONE_NEWUSER))
	put("mount", syscall.Mount("x", "/mnt", "tmpfs", 0, ""))
	_, err := syscall.Socket(40, syscall.SOCK_STREAM, 0)
	put("vsock", err)
	interfaces, _ := os.ReadDir("/sys/class/net")
	for _, i := range interfaces {
		put("interface", i.Name())
	}
	check(os.WriteFile(out, []byte(b.String()), 0o666))
	check(os.MkdirAll("/made/by/step", 0o777))
	os.Remove("/made/link") // a second look
	check(os.Symlink("nowhere", "/made/link"))
}

func read(p string) string {
	b, err := os.ReadFile(p)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func list(dir string) string {
	es, _ := os.ReadDir(dir)
	var out []string
	for _, e := range es {
		if e.Name() == "kvm" || dir == "/proc/self/fd" && strings.HasPrefix(e.Name(), "9") {
			continue
		}
		info, err := os.Lstat(filepath.Join(dir, e.Name()))
		if err == nil && dir != "/proc/self/fd" {
			out = append(out, fmt.Sprint(e.Name(), " ", info.Mode()))
		} else {
			out = append(out, e.Name())
		}
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}
