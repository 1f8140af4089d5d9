package incident

// The parties that several incidents share.
var (
	anna = Party{Name: "anna", Who: "rebuilds from the seed at home", CPUVendor: "GenuineIntel", Kernel: "6.8"}
	bo   = Party{Name: "bo", Who: "rebuilds from the seed at a university", CPUVendor: "AuthenticAMD", Kernel: "6.12"}
	cleo = Party{Name: "cleo", Who: "rebuilds from the seed for a company", CPUVendor: "AuthenticAMD", Kernel: "6.6"}
)

// Parts of commands that many steps have in common.
var (
	tree    = []string{"--tree", "{tree}", "--store", "{store}"}
	judging = []string{"--parties", "{parties}", "--policy", "{policy}"}
)

func words(parts ...[]string) []string {
	var out []string
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func w(words ...string) []string { return words }

// verify is the command that judges stages by what the parties say.
func verify(stages ...string) []string { return words(w("verify"), stages, tree, judging) }

// said is the command that lists what parties say of a stage.
func said(stage string, by ...string) []string {
	out := words(w("claim", "list", stage), tree, w("--parties", "{parties}"))
	for _, p := range by {
		out = append(out, "--from", "{place:"+p+"}")
	}
	return out
}
