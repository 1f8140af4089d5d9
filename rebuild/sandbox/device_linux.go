package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The devices and links of /dev. Slices, not maps: a step can see the order in
// /proc/mounts and in an unsorted read of the directory.
var (
	devices = []struct {
		name         string
		major, minor uint32
	}{{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}}

	deviceLinks = [][2]string{
		{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
		{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
	}
)

// makeDevices fills a fresh /dev. In a user namespace nodes cannot be made:
// the host's are bound instead.
func makeDevices(dev string) error {
	for _, d := range devices {
		p := filepath.Join(dev, d.name)
		if err := unix.Mknod(p, unix.S_IFCHR|0o666, int(unix.Mkdev(d.major, d.minor))); err == nil {
			if err := os.Chmod(p, 0o666); err != nil { // mknod applied the umask
				return err
			}
			continue
		}
		f, err := os.Create(p)
		if err != nil {
			return err
		}
		f.Close()
		if err := unix.Mount("/dev/"+d.name, p, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("binding device %s: %w", d.name, err)
		}
	}
	links := deviceLinks
	if _, err := os.Stat("/proc/kcore"); err == nil {
		links = append(links[:len(links):len(links)], [2]string{"core", "/proc/kcore"})
	}
	for _, l := range links {
		if err := os.Symlink(l[1], filepath.Join(dev, l[0])); err != nil {
			return err
		}
	}
	return nil
}
