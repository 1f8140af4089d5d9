package executable

import (
	"slices"
	"testing"
)

// TestReaches: a function is known by its name, however that says where it comes from.
func TestReaches(t *testing.T) {
	for name, want := range map[string]bool{
		"system": true, "system@GLIBC_2.2.5": true, "setuid@import": true, "kernel32.dll!WinExec": true, "kernel32.dll!CreateProcessW": true,
		"function env.exec": true, "java/lang/Runtime.exec ()V": true, "java/net/Socket.<init> (Ljava/lang/String;I)V": true,
		"": false, "puts": false, "systemd": false, "filesystem": false, "connectA": true, "connectAW": false, "java/lang/String.length ()I": false, "func@0x10": false,
	} {
		if got := reaches(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	if got := tellingFirst([]string{"puts", "exit", "system", "abort", "execve"}); !slices.Equal(got, []string{"system", "execve", "puts", "exit", "abort"}) {
		t.Error(got)
	}
}
