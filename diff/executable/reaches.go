package executable

import (
	"regexp"
	"slices"
	"strings"
)

// tellsPower is from which value of tells on a text is of what an attack needs. A
// path alone is less.
const tellsPower = 4

// reaching are the functions of the C library and of Windows through which a program
// runs others, loads code, makes memory that can be run, takes another user's power,
// or talks to a network. Those of Windows stand without the letter that says how
// their text is written.
var reaching = func() map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(`
		system popen execve execv execvp execvpe execl execlp execle execveat fexecve posix_spawn posix_spawnp wordexp
		dlopen dlmopen dlsym dlvsym __libc_dlopen_mode __libc_dlsym
		mprotect pkey_mprotect mmap mmap64 memfd_create ptrace process_vm_readv process_vm_writev
		setuid setgid seteuid setegid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups initgroups
		capset cap_set_proc chroot setns unshare pivot_root mount umount2 prctl syscall init_module finit_module kexec_load bpf
		socket connect bind listen accept accept4 sendto sendmsg recvfrom recvmsg getaddrinfo gethostbyname gethostbyname_r res_query __res_query
		setenv putenv unsetenv pam_authenticate crypt crypt_r getpass exec
		WinExec CreateProcess CreateProcessAsUser ShellExecute ShellExecuteEx LoadLibrary LoadLibraryEx GetProcAddress
		VirtualAlloc VirtualAllocEx VirtualProtect VirtualProtectEx WriteProcessMemory CreateRemoteThread QueueUserAPC SetWindowsHookEx
		AdjustTokenPrivileges ImpersonateLoggedOnUser CreateService RegSetValueEx
		WSAStartup WSASocket WSAConnect InternetOpen InternetOpenUrl WinHttpOpen URLDownloadToFile`) {
		out[name] = true
	}
	return out
}()

// reachingJava are the classes of Java that do the same.
var reachingJava = regexp.MustCompile(`java/lang/(?:Runtime\.(?:exec|load)|ProcessBuilder\b|System\.load|ClassLoader\b|Class\.forName|reflect/Method\.invoke)|java/net/(?:Socket|ServerSocket|URL|HttpURLConnection|DatagramSocket)\b|java/net/http/|javax/naming/|javax/script/|sun/misc/Unsafe`)

// reaches reports whether a function is one of these, however its name says where
// it comes from: system@GLIBC_2.2.5, kernel32.dll!WinExec, function env.exec.
func reaches(name string) bool {
	if reachingJava.MatchString(name) {
		return true
	}
	name, _, _ = strings.Cut(name, "@")
	name = name[strings.LastIndexAny(name, "!. ")+1:]
	if reaching[name] {
		return true
	}
	base := strings.TrimRight(name, "AW")
	return len(name)-len(base) == 1 && reaching[base]
}

// tellingFirst puts the names of such functions first and leaves the rest in order.
func tellingFirst(names []string) []string {
	out := slices.Clone(names)
	slices.SortStableFunc(out, func(a, b string) int {
		switch ra, rb := reaches(a), reaches(b); {
		case ra == rb:
			return 0
		case ra:
			return -1
		}
		return 1
	})
	return out
}
