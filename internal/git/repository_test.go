package git_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/git"
)

func TestACommitIsItsFiles(t *testing.T) {
	t.Parallel()
	dir := start(t)
	write(t, dir, map[string]string{"bin/prepare": "#!/bin/sh\n", "empty": "", "deep/er/and/deeper/x": "\x00binary"})
	require.NoError(t, os.Chmod(filepath.Join(dir, "bin/prepare"), 0o755))
	hash := commit(t, dir, "Add a script\n\nwith a body")
	write(t, dir, map[string]string{"pipeline.yaml": "not committed", "untracked": "x"})

	want := map[string]string{
		"pipeline.yaml": "name: loans\n", "tests/features.yaml": "tests: []\n", "bin/prepare*": "#!/bin/sh\n", "empty": "", "deep/er/and/deeper/x": "\x00binary",
	}
	bare := t.TempDir()
	run(t, dir, "clone", "-q", "--bare", dir, bare)
	packed := t.TempDir()
	run(t, dir, "clone", "-q", "--bare", dir, packed)
	run(t, packed, "repack", "-adq")
	run(t, packed, "pack-refs", "--all")
	for _, where := range []string{dir, bare, packed} {
		c, err := open(t, where).Commit(t.Context(), "main")
		require.NoError(t, err)
		require.Equal(t, git.Commit{Hash: hash, Subject: "Add a script", At: time.Unix(1700000000, 0).UTC(), Tree: c.Tree}, c)
		require.Equal(t, want, contents(c.Tree))
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	dir := start(t)
	first := run(t, dir, "rev-parse", "HEAD")
	run(t, dir, "tag", "light")
	run(t, dir, "tag", "-a", "-m", "marked", "annotated")
	run(t, dir, "tag", "-a", "-m", "marked", "twice", "annotated")
	run(t, dir, "tag", "content", "HEAD:pipeline.yaml")
	run(t, dir, "update-ref", "refs/merge-requests/7/head", first)
	run(t, dir, "update-ref", "refs/remotes/origin/release", first)
	second := commit(t, dir, "second")
	run(t, dir, "branch", "feature/x")
	run(t, dir, "branch", "same")
	run(t, dir, "tag", "same")
	run(t, dir, "branch", "light-and-branch", first)
	run(t, dir, "tag", "light-and-branch", second)
	r := open(t, dir)
	for ref, want := range map[string]string{
		"main": second, "HEAD": second, "feature/x": second, "refs/heads/main": second, "light": first, "annotated": first, "twice": first, "refs/tags/light": first,
		"refs/merge-requests/7/head": first, "origin/release": first, first: first, first[:12]: first, first[:7]: first, strings.ToUpper(first[:9]): first, "same": second,
		"refs/tags/light-and-branch": second,
	} {
		c, err := r.Commit(t.Context(), ref)
		require.NoError(t, err, ref)
		require.Equal(t, want, c.Hash, ref)
	}
	for ref, want := range map[string]struct {
		code fault.Code
		says string
	}{
		"":                         {fault.Invalid, "a branch, a tag, a commit's hash"},
		"a\nb":                     {fault.Invalid, "a branch, a tag, a commit's hash"},
		strings.Repeat("x", 251):   {fault.Invalid, "251 bytes"},
		"nowhere":                  {fault.NotFound, `no branch, tag or commit "nowhere"`},
		"refs/heads/nowhere":       {fault.NotFound, "refs/heads/nowhere"},
		strings.Repeat("0", 40):    {fault.NotFound, "0000"},
		"abcdef0123":               {fault.NotFound, "abcdef0123"},
		"../../../etc/passwd":      {fault.Invalid, "no reference"},
		"refs/../config":           {fault.Invalid, "no reference"},
		"light-and-branch":         {fault.Invalid, "refs/heads/light-and-branch or refs/tags/light-and-branch"},
		"content":                  {fault.Invalid, "is a blob"},
		"main~1":                   {fault.NotFound, "main~1"},
		"refs/heads/" + first[:12]: {fault.NotFound, first[:12]},
	} {
		_, err := r.Commit(t.Context(), ref)
		require.Equal(t, want.code, fault.CodeOf(err), "%q: %v", ref, err)
		require.ErrorContains(t, err, want.says)
	}
}

// Of five thousand commits two have the same first four digits, surely: 5000² / 2 / 65536 is 190.
func TestAShortHashOfTwoCommitsIsNone(t *testing.T) {
	t.Parallel()
	dir := start(t)
	var stream strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&stream, "commit refs/heads/many\ncommitter Ada <ada@bank.example> %d +0000\ndata 1\nx\n", 1700000000+i)
	}
	feed(t, dir, stream.String(), "fast-import", "--quiet")
	seen := map[string]string{}
	var twice string
	for _, hash := range strings.Fields(run(t, dir, "rev-list", "many")) {
		if _, has := seen[hash[:4]]; has {
			twice = hash
		}
		seen[hash[:4]] = hash
	}
	_, err := open(t, dir).Commit(t.Context(), twice[:4])
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "several commits")
	c, err := open(t, dir).Commit(t.Context(), twice[:39])
	require.NoError(t, err)
	require.Equal(t, twice, c.Hash)
}

func TestWhatIsNoRepositoryIsNotOpened(t *testing.T) {
	t.Parallel()
	dir := start(t)
	linked := filepath.Join(t.TempDir(), "linked")
	run(t, dir, "worktree", "add", "-q", "-b", "other", linked)
	shared := t.TempDir()
	run(t, dir, "clone", "-q", "--shared", dir, shared)
	elsewhere := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(dir, ".git"), filepath.Join(elsewhere, ".git")))
	newer := t.TempDir()
	run(t, newer, "init", "-q", "--object-format=sha256")
	for path, want := range map[string]struct {
		code fault.Code
		says string
	}{
		t.TempDir():                 {fault.NotFound, "no git repository"},
		filepath.Join(dir, "none"):  {fault.NotFound, "no git repository"},
		filepath.Join(dir, "tests"): {fault.NotFound, "no git repository"},
		linked:                      {fault.Invalid, "linked work tree"},
		elsewhere:                   {fault.Invalid, "linked work tree"},
		shared:                      {fault.Invalid, "objects/info/alternates"},
		newer:                       {fault.Invalid, "of a kind that is not read"},
	} {
		_, err := git.Open(path)
		require.Equal(t, want.code, fault.CodeOf(err), "%s: %v", path, err)
		require.ErrorContains(t, err, want.says)
	}
}

// A repository's folder may be anybody's: a link in it shows nothing that lies outside.
func TestLinksInARepositoryLeadNowhere(t *testing.T) {
	t.Parallel()
	secret := start(t)
	write(t, secret, map[string]string{"secret": "of another team"})
	hash := commit(t, secret, "secret")
	dir := t.TempDir()
	run(t, dir, "init", "-q", "-b", "main")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, ".git/objects")))
	require.NoError(t, os.Symlink(filepath.Join(secret, ".git/objects"), filepath.Join(dir, ".git/objects")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".git/refs/heads/main"), []byte(hash+"\n"), 0o644))
	require.Equal(t, "secret", run(t, dir, "log", "-1", "--format=%s"), "git follows it")
	_, err := open(t, dir).Commit(t.Context(), "main")
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
}

func TestATreeHasFilesAlone(t *testing.T) {
	t.Parallel()
	dir := start(t)
	blob := feed(t, dir, "x", "hash-object", "-w", "--stdin")
	empty := feed(t, dir, "", "mktree")
	head := run(t, dir, "rev-parse", "HEAD")
	tree := func(listing string) string { return feed(t, dir, listing, "mktree") }
	deep := tree("100644 blob " + blob + "\tx\n")
	for range 300 {
		deep = tree("040000 tree " + deep + "\tab\n")
	}
	// Ten levels of ten folders that are all the same: 10^10 folders without a file.
	bomb := empty
	for range 10 {
		var listing strings.Builder
		for i := range 10 {
			fmt.Fprintf(&listing, "040000 tree %s\t%d\n", bomb, i)
		}
		bomb = tree(listing.String())
	}
	var many strings.Builder
	for i := range ci.MaxFiles + 1 {
		fmt.Fprintf(&many, "100644 blob %s\t%05d\n", blob, i)
	}
	// A content that says how long it is, and ends at once: whoever reads it fails otherwise. The same large file ten times is more than a tree may hold, though the
	// repository has it once.
	said := func(hash string, size int) string {
		path := filepath.Join(dir, ".git/objects", hash[:2], hash[2:])
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		var deflated bytes.Buffer
		w := zlib.NewWriter(&deflated)
		_, err := fmt.Fprintf(w, "blob %d\x00x", size)
		require.NoError(t, errors.Join(err, w.Close(), os.WriteFile(path, deflated.Bytes(), 0o644)))
		return hash
	}
	large := said(strings.Repeat("a", 40), 32<<20)
	huge := said(strings.Repeat("b", 40), ci.MaxTreeBytes+1)
	var repeated strings.Builder
	for i := range 10 {
		fmt.Fprintf(&repeated, "100644 blob %s\t%d\n", large, i)
	}
	raw := func(entries string) string {
		return feed(t, dir, entries, "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
	}
	bytesOf := func(hash string) string {
		var out []byte
		for i := 0; i < len(hash); i += 2 {
			var b byte
			_, err := fmt.Sscanf(hash[i:i+2], "%02x", &b)
			require.NoError(t, err)
			out = append(out, b)
		}
		return string(out)
	}
	for name, test := range map[string]struct{ tree, says string }{
		"link":      {tree("120000 blob " + blob + "\tout\n"), "out is a symbolic link"},
		"submodule": {tree("160000 commit " + head + "\tlib\n"), "lib is a submodule"},
		"deep":      {deep, "no tree may have"},
		"bomb":      {bomb, "folders; a pipeline's repository is small"},
		"many":      {tree(many.String()), "files; a pipeline's repository is small"},
		"large":     {tree(repeated.String()), "more than 256 MiB"},
		"huge":      {tree("100644 blob " + huge + "\tx\n"), "more than 256 MiB"},
		"hooks":     {raw("40000 .git\x00" + bytesOf(empty)), "no tree may have"},
		"hidden":    {raw("40000 .GiT\x00" + bytesOf(empty)), "no tree may have"},
		"up":        {raw("100644 ..\x00" + bytesOf(blob)), "no tree may have"},
		"path":      {raw("100644 a/../../b\x00" + bytesOf(blob)), "no tree may have"},
		"twice":     {raw("100644 a\x00" + bytesOf(blob) + "100644 a\x00" + bytesOf(blob)), "listed twice"},
		"both":      {raw("100644 a\x00" + bytesOf(blob) + "40000 a\x00" + bytesOf(empty)), "listed twice"},
		"gone":      {raw("100644 a\x00" + strings.Repeat("\x01", 20)), "is not in the repository"},
		"broken":    {raw("100644 a\x00short"), "cannot be read"},
		"line":      {raw("100644 a\nb\x00" + bytesOf(blob)), "line break"},
	} {
		hash := feed(t, dir, "tree "+test.tree+"\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nx\n", "hash-object", "-t", "commit", "-w", "--literally", "--stdin")
		_, err := open(t, dir).Commit(t.Context(), hash)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, test.says, name)
	}
}

// git packs anew while a repository is open, as after a push.
func TestARepositoryThatIsPackedMeanwhile(t *testing.T) {
	t.Parallel()
	dir := start(t)
	first := run(t, dir, "rev-parse", "HEAD")
	run(t, dir, "repack", "-adq")
	r := open(t, dir)
	_, err := r.Commit(t.Context(), first[:8])
	require.NoError(t, err)
	write(t, dir, map[string]string{"more": "x"})
	second := commit(t, dir, "second")
	run(t, dir, "repack", "-adq")
	run(t, dir, "prune-packed", "-q")
	for _, hash := range []string{second, first} {
		c, err := r.Commit(t.Context(), hash)
		require.NoError(t, err)
		require.Equal(t, hash, c.Hash)
	}
	_, err = r.Commit(t.Context(), strings.Repeat("1", 40))
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

func TestACancelledReadEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := open(t, start(t)).Commit(ctx, "main")
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

// What a person reads of a commit has no line breaks and no control characters, whatever its author wrote.
func TestWhatIsToldOfACommitIsOneLine(t *testing.T) {
	t.Parallel()
	dir := start(t)
	run(t, dir, "commit", "-q", "--allow-empty", "--author", "Eve\x1b[31m <e@x>", "-m", "\x1b[2Jgood morning "+strings.Repeat("ü", 300))
	c, err := open(t, dir).Commit(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, "[2Jgood morning "+strings.Repeat("ü", 184), c.Subject)
}

// What strangers write is shown in logs, on terminals and pages: nothing in it moves a cursor, turns the direction of the text or goes on for ever.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "",
		"Ada":                   "Ada",
		"a\nb\tc\r":             "abc",
		"\x1b[31mred\x07\x7f":   "[31mred",
		"\u202egnp.exe\u200b":   "gnp.exe",
		"Renée 李":               "Renée 李",
		"bad\xffbytes":          "badbytes",
		strings.Repeat("é", 60): strings.Repeat("é", 50),
	} {
		require.Equal(t, want, git.OneLine(text, 50), "%q", text)
	}
}
