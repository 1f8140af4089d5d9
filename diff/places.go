package diff

import (
	"regexp"
	"strings"
)

// place is a kind of file that changes who is trusted or what runs, whatever it
// holds: a plain text there is as good as a program.
type place struct {
	kind SuspicionKind
	what string // what such a file does
	name *regexp.Regexp
}

// places are asked in this order. The names are those of Linux distributions
// (FHS 3.0; cron(8), systemd.unit(5), ld.so(8), bash(1), pam(8), sudoers(5),
// sshd(8), update-ca-certificates(8), apt.conf(5), apk(8), deb-postinst(5)).
var places = []place{
	{SuspectPower, "sudo and doas take from it who may become root", under(`etc/(?:sudoers(?:\.d/.*)?|doas\.conf|doas\.d/.*|polkit-1/.*)`)},
	{SuspectAccount, "it says who may log in, and as whom", under(`(?:etc/(?:passwd|shadow|group|gshadow|subuid|subgid)-?|passwd\.master|group\.master)`)},
	{SuspectAccount, "it says how passwords are checked", under(`etc/(?:pam\.d/.*|pam\.conf|security/.*\.conf|nsswitch\.conf|login\.defs|securetty)`)},
	{SuspectAccount, "it says who may log in through ssh", under(`(?:authorized_keys2?|etc/ssh/.*|shosts\.equiv|hosts\.equiv|\.rhosts)`)},
	{SuspectStart, "it is loaded into every program", under(`etc/ld\.so\.preload`)},
	{SuspectPath, "it says where libraries are sought", under(`etc/(?:ld\.so\.conf(?:\.d/.*)?|ld-musl-[^/]*\.path)`)},
	{SuspectStart, "cron runs what it says", under(`(?:etc/(?:crontab|anacrontab|cron\.(?:d|hourly|daily|weekly|monthly)/.*|crontabs/.*|periodic/.*)|var/spool/(?:cron|at)/.*)`)},
	{SuspectStart, "the system runs it when it starts", under(`(?:etc/(?:init\.d/.*|rc\.local|rc[0-6S]\.d/.*|inittab|init/.*|local\.d/.*|runlevels/.*)|(?:etc|lib|usr/lib|run)/systemd/(?:system|user)/.*\.(?:service|timer|socket|path|conf|target|mount)|(?:etc|lib|usr/lib)/udev/rules\.d/.*|(?:etc|lib|usr/lib)/modules-load\.d/.*|etc/(?:modules|modprobe\.d/.*)|etc/xdg/autostart/.*)`)},
	{SuspectStart, "a shell runs it when it starts", under(`(?:etc/(?:profile(?:\.d/.*)?|bash\.bashrc|bashrc|environment|zsh/.*|zshrc|zshenv|csh\.cshrc|skel/\..*)|\.(?:bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zshenv|zprofile|kshrc|cshrc|xinitrc|xsession))`)},
	{SuspectStart, "Python runs it when it starts", under(`(?:(?:site|dist)-packages/(?:[^/]*\.pth|sitecustomize\.py|usercustomize\.py))`)},
	{SuspectTrust, "connections are trusted by it", under(`(?:etc/ssl/certs/.*|etc/pki/.*|usr/(?:local/)?share/(?:ca-certificates|pki)/.*|etc/ca-certificates(?:\.conf|/.*)|ca-certificates\.crt|ca-bundle\.crt|cacert\.pem|cacerts)`)},
	{SuspectTrust, "packages are trusted by it", under(`(?:etc/apt/(?:trusted\.gpg(?:\.d/.*)?|keyrings/.*|sources\.list(?:\.d/.*)?|auth\.conf.*|preferences.*|apt\.conf.*)|usr/share/keyrings/.*|etc/apk/(?:keys/.*|repositories|world)|etc/yum\.repos\.d/.*|etc/pki/rpm-gpg/.*|etc/containers/.*|etc/docker/certs\.d/.*)`)},
	{SuspectTrust, "names and connections are led elsewhere by it", under(`etc/(?:hosts|resolv\.conf|host\.conf|hosts\.allow|hosts\.deny)`)},
	{SuspectStart, "the package manager runs it as root", regexp.MustCompile(`^(?:preinst|postinst|prerm|postrm|\.(?:pre|post)-(?:install|upgrade|deinstall)|\.trigger)$`)},
}

func under(expr string) *regexp.Regexp { return regexp.MustCompile(`(?:^|/)` + expr + `$`) }

// SuspectPlaces raises a suspicion at every file below n that decides who is
// trusted or what runs, where its content or its presence differs and nothing
// explains all of that. It is called once causes have been found; n is settled
// anew.
func (n *Node) SuspectPlaces() {
	n.Settle()
	n.suspectPlaces()
	n.Settle()
}

func (n *Node) suspectPlaces() {
	if n.Listing || n.Status == Same {
		return
	}
	if n.Kind == KindConfig {
		n.suspectRun()
		return
	}
	if p := n.place(); p != nil && n.suspects(p.kind) {
		return // what is in it says more
	} else if p != nil {
		what := p.what + "; its content differs"
		switch n.Status {
		case OnlyA, OnlyB:
			what = p.what + "; it is " + n.Status.String()
		}
		n.Suspect(Suspicion{Kind: p.kind, What: what})
		return
	}
	for _, c := range n.Children {
		c.suspectPlaces()
	}
}

// suspects reports whether something below a node is suspicious of a kind.
func (n *Node) suspects(kind SuspicionKind) bool {
	for _, c := range n.Children {
		if c.Suspicious == 0 {
			continue
		}
		for _, s := range c.Suspicions {
			if s.Kind == kind {
				return true
			}
		}
		if c.suspects(kind) {
			return true
		}
	}
	return false
}

// place is the kind of file that a node is, when it is one whose content
// differs without an explanation; nil otherwise.
func (n *Node) place() *place {
	if n.Residue == ResidueNone || len(n.Suspicions) > 0 || !n.fileDiffers() {
		return nil
	}
	name := strings.Trim(n.Name, "/")
	for i := range places {
		if places[i].name.MatchString(name) {
			return &places[i]
		}
	}
	return nil
}

// fileDiffers reports a file or link on one side only, or whose content or
// target differs.
func (n *Node) fileDiffers() bool {
	lonely := n.A
	switch n.Status {
	case OnlyB:
		lonely = n.B
		fallthrough
	case OnlyA:
		if n.Kind == KindLayer || lonely == nil {
			return false
		}
		return lonely.Size >= 0 || n.has("link")
	case Differs:
		a, b := n.A, n.B
		return a != nil && b != nil && a.Digest != "" && b.Digest != "" && a.Digest != b.Digest || n.has("link") || n.has("type")
	}
	return false
}

// has reports whether a node differs in a field.
func (n *Node) has(field string) bool {
	for _, r := range n.Reasons {
		if r.Field == field {
			return true
		}
	}
	return false
}

// loading are the variables that let others into a program, or lead it elsewhere
// (ld.so(8), bash(1), python(1), perlrun(1), node(1), curl(1)).
var loading = regexp.MustCompile(`^"?(?:LD_[A-Z_]+|BASH_ENV|ENV|PROMPT_COMMAND|PATH|PYTHON(?:PATH|STARTUP|HOME)|PERL5(?:LIB|OPT)|RUBY(?:OPT|LIB)|NODE_(?:OPTIONS|PATH|EXTRA_CA_CERTS)|JAVA_TOOL_OPTIONS|(?:HTTPS?|ALL|https?|all)_(?:PROXY|proxy)|SSL_CERT_(?:FILE|DIR)|GIT_SSH_COMMAND|GCONV_PATH|GLIBC_TUNABLES)=`)

// suspectRun looks at what an image's config lets run, and as whom.
func (n *Node) suspectRun() {
	for _, r := range n.Reasons {
		change := orNone(r.A) + " in A, " + orNone(r.B) + " in B"
		switch {
		case command(r.Field) || strings.HasPrefix(r.Field, "/config/OnBuild") || strings.HasPrefix(r.Field, "/config/Healthcheck"):
			n.Suspect(Suspicion{Kind: SuspectStart, What: "what the image runs differs: " + strings.TrimPrefix(r.Field, "/config/") + " is " + change})
		case r.Field == "/config/User":
			n.Suspect(Suspicion{Kind: SuspectAccount, What: "the user that it runs as differs: " + change})
		case strings.HasPrefix(r.Field, "/config/Env") && (loading.MatchString(r.A) || loading.MatchString(r.B)):
			n.Suspect(Suspicion{Kind: SuspectStart, What: "a variable that leads programs elsewhere differs: " + change})
		}
	}
}
