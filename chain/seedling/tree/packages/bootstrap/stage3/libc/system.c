/* system.c - system calls of Linux on x86-64. Results are those of the kernel:
   a negative one is an error number with its sign changed. */

enum { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 64, O_EXCL = 128, O_TRUNC = 512, O_APPEND = 1024 };
enum { SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2 };
enum { S_TYPE = 0170000, S_DIRECTORY = 0040000, S_REGULAR = 0100000, S_LINK = 0120000 };
enum { ENOENT = 2, EEXIST = 17 };

int read(int fd, void *to, int n) { return syscall(0, fd, to, n); }
int write(int fd, void *from, int n) { return syscall(1, fd, from, n); }
int open(char *path, int flags, int mode) { return syscall(2, path, flags, mode); }
int close(int fd) { return syscall(3, fd); }
int lseek(int fd, int offset, int from) { return syscall(8, fd, offset, from); }
int pipe_into(char *pair) { return syscall(22, pair); }
int dup2(int fd, int as) { return syscall(33, fd, as); }
int getpid() { return syscall(39); }
int fork() { return syscall(57); }
int execve(char *path, char **argv, char **envp) { return syscall(59, path, argv, envp); }
int rename(char *from, char *to) { return syscall(82, from, to); }
int mkdir(char *path, int mode) { return syscall(83, path, mode); }
int rmdir(char *path) { return syscall(84, path); }
int unlink(char *path) { return syscall(87, path); }
int symlink(char *target, char *path) { return syscall(88, target, path); }
int chmod(char *path, int mode) { return syscall(90, path, mode); }
int umask(int mask) { return syscall(95, mask); }
int getuid() { return syscall(102); }
int chdir(char *path) { return syscall(80, path); }
int getcwd(char *to, int n) { return syscall(79, to, n); }
int time() { return syscall(201, 0); }
int sched_yield() { return syscall(24); }

void exit(int status)
{
	syscall(231, status);
}

/* half reads a 32-bit number without sign at p. */
int half(char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | p[3] << 24;
}

/* wait waits for one child, or any when pid is -1, and gives its process
   number; status gets the exit status, or 128 plus the signal that ended it. */
int wait(int pid, int *status)
{
	char raw[8];
	int r = syscall(61, pid, raw, 0, 0);
	if (r > 0) {
		int w = half(raw);
		*status = w & 127 ? 128 + (w & 127) : w >> 8 & 255;
	}
	return r;
}

/* What stat tells that the chain's tools ask for. */
struct stat {
	int mode, uid, gid, size, mtime, inode;
};

int stat(char *path, struct stat *s)
{
	char raw[144];
	int r = syscall(4, path, raw);
	if (r < 0)
		return r;
	s->inode = *(int *)(raw + 8);
	s->mode = half(raw + 24);
	s->uid = half(raw + 28);
	s->gid = half(raw + 32);
	s->size = *(int *)(raw + 48);
	s->mtime = *(int *)(raw + 88);
	return 0;
}

int is_directory(char *path)
{
	struct stat s;
	return stat(path, &s) == 0 && (s.mode & S_TYPE) == S_DIRECTORY;
}

/* cpu_count counts the processors that this process may run on. */
int cpu_count()
{
	char mask[128];
	int i, n = 0;
	int bytes = syscall(204, 0, 128, mask);
	for (i = 0; i < bytes * 8; i++)
		n += mask[i / 8] >> i % 8 & 1;
	return n;
}

/* uname_field gives uname's field of the given number: 0 is the system, 1 the
   host, 2 the release, 3 the version, 4 the machine. */
char uname_text[400];

char *uname_field(int n)
{
	syscall(63, uname_text);
	return uname_text + 65 * n;
}

/* random_bytes fills n bytes that nobody can foresee; n is at most 256. */
int random_bytes(char *to, int n) { return syscall(318, to, n, 0); }

/* sleep waits for a number of microseconds below one second. */
void sleep(int microseconds)
{
	int t[2];
	t[0] = 0;
	t[1] = microseconds * 1000;
	syscall(35, t, NULL);
}

/* getenv gives the value of a variable in the environment that main got, or NULL. */
char *getenv(char **environment, char *name)
{
	char *v, *n;
	for (; *environment; environment++) {
		v = *environment;
		for (n = name; *n && *n == *v; n++)
			v++;
		if (*n == 0 && *v == '=')
			return v + 1;
	}
	return NULL;
}
