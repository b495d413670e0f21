package image

import (
	"encoding/pem"
	"fmt"
	"io/fs"
	"path"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// The folders of an image that has more than a program in it.
const (
	programs = "usr/local/bin"
	home     = "var/lib/loanops"
)

// system is what programs expect of a system beside their libraries: a place for temporary files, who they are, and a folder of their own. A new volume
// that is mounted there, or where operators' keys are, takes the owner of the image's folder.
func system() contents {
	return contents{
		"tmp":                                 {mode: fs.ModeDir | fs.ModeSticky | 0o777},
		home:                                  {mode: fs.ModeDir | 0o700, owner: user},
		path.Join(home, ".config"):            {mode: fs.ModeDir | 0o700, owner: user},
		path.Join(home, ".config", "loanops"): {mode: fs.ModeDir | 0o700, owner: user},
		"etc/passwd":                          {mode: 0o644, data: fmt.Appendf(nil, "loanops:x:%d:%d::/%s:/nonexistent\n", user, user, home)},
		"etc/group":                           {mode: 0o644, data: fmt.Appendf(nil, "loanops:x:%d:\n", user)},
		certificates:                          authorities(),
	}
}

// environment is where programs find each other and their files.
func environment(more ...string) []string {
	return append([]string{"PATH=/" + programs, "HOME=/" + home, "LOANOPS_WORK_DIR=/" + home + "/work"}, more...)
}

// certificates is where Go programs look first for whom they trust; SSL_CERT_FILE names another file.
const certificates = "etc/ssl/certs/ca-certificates.crt"

// authorities are those whom Mozilla trusts for servers, of a module of go.mod: were they this machine's, the same commit would not give the same image on
// another, and a private authority of whoever packs would be trusted by whoever runs. One that is trusted only for what it signed up to some day is left
// out, for a file cannot say so.
func authorities() entry {
	var file []byte
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			file = append(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})...)
		}
	}
	return entry{mode: 0o644, data: file}
}
