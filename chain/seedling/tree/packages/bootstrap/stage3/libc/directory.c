/* directory.c - what a directory holds. */

/* list_directory gives the names in a directory but "." and "..", in the order
   in which the file system has them, which is another one on every machine;
   count gets their number, or an error. */
char **list_directory(char *path, int *count)
{
	char *raw = malloc(32768);
	int room = 64, used = 0, n, at, fd = open(path, O_RDONLY, 0);
	char **names = (char **)malloc(room * 8), **larger;
	if (fd < 0) {
		*count = fd;
		return NULL;
	}
	while ((n = syscall(217, fd, raw, 32768)) > 0) { /* getdents64 */
		for (at = 0; at < n; at += raw[at + 16] | raw[at + 17] << 8) {
			char *name = raw + at + 19;
			if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
				continue;
			if (used == room) {
				larger = (char **)malloc(2 * room * 8);
				memcpy((char *)larger, (char *)names, room * 8);
				names = larger;
				room *= 2;
			}
			names[used++] = strdup(name);
		}
	}
	close(fd);
	*count = n < 0 ? n : used;
	return names;
}
