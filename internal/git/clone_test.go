package git_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/git"
)

// served is a bare copy of a repository behind git's own HTTP server, and the bodies of what was asked of it.
type served struct {
	url, dir string
	handler  http.Handler
	asked    func() []string
}

func serve(t *testing.T, of string) served {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "team.git")
	run(t, root, "clone", "-q", "--mirror", of, dir)
	backend := &cgi.Handler{Path: filepath.Join(run(t, root, "--exec-path"), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1"}}
	var mutex sync.Mutex
	var asked []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mutex.Lock()
		asked = append(asked, r.URL.Path+" "+string(body))
		mutex.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		backend.ServeHTTP(w, r)
	})
	return served{answering(t, handler), dir, handler, func() []string {
		mutex.Lock()
		defer mutex.Unlock()
		return append([]string(nil), asked...)
	}}
}

func clone(t *testing.T, url string) (*git.Repository, error) {
	t.Helper()
	return git.Clone(t.Context(), url, git.Auth{}, t.TempDir())
}

// A clone reads what the folder has, whatever is asked first.
func TestACloneIsTheRepository(t *testing.T) {
	t.Parallel()
	dir := parted(t, map[string]string{"a": "1\n2\n3\n4\n5\n"}, map[string]string{"a": "one\n2\n3\n4\n5\n"}, map[string]string{"a": "1\n2\n3\n4\nfive\n"})
	run(t, dir, "tag", "-a", "-m", "x", "v1", "main~1")
	run(t, dir, "update-ref", "refs/pull/3/head", "branch")
	s := serve(t, dir)
	main := run(t, dir, "rev-parse", "main")
	base := run(t, dir, "rev-parse", "main~1")
	for _, ref := range []string{"main", "branch", "v1", "HEAD", "refs/pull/3/head", main, main[:8], base, base[:8]} {
		r, err := clone(t, s.url)
		require.NoError(t, err)
		got, err := r.Commit(t.Context(), ref)
		require.NoError(t, err, ref)
		want, err := open(t, dir).Commit(t.Context(), ref)
		require.NoError(t, err, ref)
		require.Equal(t, want, got, ref)

		merged, err := r.Merge(t.Context(), "branch", "main")
		require.NoError(t, err)
		require.Equal(t, map[string]string{"a": "one\n2\n3\n4\nfive\n"}, contents(merged.Tree))
		again, err := r.Commit(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	for _, ref := range []string{"nowhere", "refs/heads/nowhere", "0123456", strings.Repeat("0", 39) + "1"} {
		r, err := clone(t, s.url)
		require.NoError(t, err)
		_, err = r.Commit(t.Context(), ref)
		require.Equal(t, fault.NotFound, fault.CodeOf(err), "%s: %v", ref, err)
	}
}

// A commit alone costs its own files; a merge the histories of its two sides, once.
func TestACloneAsksForWhatItNeeds(t *testing.T) {
	t.Parallel()
	dir := parted(t, map[string]string{"a": "1"}, map[string]string{"b": "2"}, map[string]string{"c": "3"})
	s := serve(t, dir)
	r, err := clone(t, s.url)
	require.NoError(t, err)
	_, err = r.Commit(t.Context(), "main")
	require.NoError(t, err)
	_, err = r.Commit(t.Context(), "main")
	require.NoError(t, err)
	asked := s.asked()
	require.Len(t, asked, 2, "the references, and the commit once")
	require.Contains(t, asked[1], "deepen 1")
	_, err = r.Merge(t.Context(), "branch", "main")
	require.NoError(t, err)
	_, err = r.Merge(t.Context(), "branch", "main")
	require.NoError(t, err)
	asked = s.asked()
	require.Len(t, asked, 3)
	require.NotContains(t, asked[2], "deepen")
	require.Equal(t, 2, strings.Count(asked[2], "want "))
}

// A server that lets nobody ask by a hash that no reference has still gives the commits of its branches.
func TestAnOlderCommitOfASimpleServer(t *testing.T) {
	t.Parallel()
	dir := start(t)
	first := run(t, dir, "rev-parse", "HEAD")
	write(t, dir, map[string]string{"a": "2"})
	commit(t, dir, "second")
	for _, allows := range []string{"true", "false"} {
		s := serve(t, dir)
		run(t, s.dir, "config", "uploadpack.allowReachableSHA1InWant", allows)
		r, err := clone(t, s.url)
		require.NoError(t, err)
		c, err := r.Commit(t.Context(), first)
		require.NoError(t, err, allows)
		require.Equal(t, first, c.Hash)
		require.Equal(t, allows == "true", strings.Contains(s.asked()[1], "deepen 1"))
	}
}

func TestURLsOfRepositories(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "team.git", "/srv/team.git", "file:///srv/team.git", "ssh://git@host/team.git", "git@host:team.git", "git://host/team.git", "https://ada:T0KEN@host/team.git",
		"https:///team.git", "https://host/team.git?x=T0KEN", "ext::sh -c touch% /tmp/x", "--upload-pack=touch",
	} {
		_, err := clone(t, url)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), url)
		require.NotContains(t, err.Error(), "T0KEN")
	}
	full := t.TempDir()
	write(t, full, map[string]string{"x": "1"})
	_, err := git.Clone(t.Context(), "http://127.0.0.1:1/x", git.Auth{}, full)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// answering is a server that says the same to everybody.
func answering(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/team.git"
}

// No answer of a forge is fault.Refused: that says that a commit cannot be merged, and the forge would show it as failed.
func TestWhatAServerSaysIsPermanentOrNot(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]fault.Code{
		304: fault.Invalid, 400: fault.Invalid, 401: fault.Unauthorized, 403: fault.Unauthorized, 404: fault.NotFound, 407: fault.Unauthorized, 408: fault.Unavailable, 410: fault.NotFound,
		418: fault.Invalid, 422: fault.Invalid, 425: fault.Unavailable, 429: fault.Unavailable, 451: fault.Invalid, 500: fault.Unavailable, 502: fault.Unavailable, 503: fault.Unavailable,
	} {
		_, err := clone(t, answering(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "T0KEN of somebody", status) }))
		require.Equal(t, want, fault.CodeOf(err), "%d: %v", status, err)
		require.NotContains(t, err.Error(), "T0KEN", "%d", status)
	}
	for name, answer := range map[string]string{"nothing": "", "a page": "<html>Sign in", "half": "001e# service=git-upload-pack\n0000", "noise": strings.Repeat("ffff", 1000)} {
		_, err := clone(t, answering(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
		require.Error(t, err, name)
	}
	s := serve(t, start(t))
	for status, want := range map[int]fault.Code{400: fault.Invalid, 410: fault.NotFound, 429: fault.Unavailable, 503: fault.Unavailable} {
		r, err := clone(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Error(w, "T0KEN of somebody", status)
				return
			}
			s.handler.ServeHTTP(w, r)
		}))
		require.NoError(t, err)
		_, err = r.Commit(t.Context(), "main")
		require.Equal(t, want, fault.CodeOf(err), "fetching, %d: %v", status, err)
		require.NotContains(t, err.Error(), "T0KEN")
	}
	empty := t.TempDir()
	run(t, empty, "init", "-q", "--bare", "-b", "main")
	_, err := clone(t, serve(t, empty).url)
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "no commit yet")
	_, err = clone(t, "http://127.0.0.1:1/team.git")
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

func TestTheTokenGoesToTheServerAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, start(t))
	locked := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if user, token, _ := r.BasicAuth(); user != "oauth2" || token != "T0KEN" {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		s.handler.ServeHTTP(w, r)
	})
	r, err := git.Clone(t.Context(), locked, git.Auth{Token: "T0KEN"}, t.TempDir())
	require.NoError(t, err)
	_, err = r.Commit(t.Context(), "main")
	require.NoError(t, err)
	for _, auth := range []git.Auth{{}, {Token: "other"}} {
		_, err := git.Clone(t.Context(), locked, auth, t.TempDir())
		require.Equal(t, fault.Unauthorized, fault.CodeOf(err))
		require.NotContains(t, err.Error(), "T0KEN")
	}
}

func TestRedirectsToAnotherHostAreNotFollowed(t *testing.T) {
	t.Parallel()
	s := serve(t, start(t))
	_, err := git.Clone(t.Context(), answering(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.TrimSuffix(s.url, "/team.git")+r.URL.String(), http.StatusFound)
	}), git.Auth{Token: "T0KEN"}, t.TempDir())
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "redirects to another host are not followed")
	require.Empty(t, s.asked())
	_, err = clone(t, answering(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }))
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "a circle: %v", err)

	// On the same host, as forges do where .git is missing.
	moved := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/old/") {
			http.Redirect(w, r, strings.Replace(r.URL.String(), "/old/", "/team.git/", 1), http.StatusMovedPermanently)
			return
		}
		s.handler.ServeHTTP(w, r)
	})
	r, err := clone(t, strings.TrimSuffix(moved, "/team.git")+"/old")
	require.NoError(t, err)
	_, err = r.Commit(t.Context(), "main")
	require.NoError(t, err)
}

func TestASilentServerIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := git.Clone(ctx, answering(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), git.Auth{}, t.TempDir())
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

func TestAnEndlessAnswerEnds(t *testing.T) {
	t.Parallel()
	_, err := clone(t, answering(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "001e# service=git-upload-pack\n0000"+"0047"+strings.Repeat("1", 40)+" refs/heads/main\x00ofs-delta\n")
		line := []byte("fe00" + strings.Repeat("1", 40) + " refs/heads/" + strings.Repeat("x", 0xfe00-4-41-11-1) + "\n")
		for {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}))
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "256 MiB")
}

// packed is a pack of one blob, and of deltas on it, by the format's description (git's gitformat-pack).
func packed(objects uint32, body ...byte) []byte {
	pack := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("PACK"), 2), objects)
	pack = append(pack, body...)
	sum := sha1.Sum(pack)
	return append(pack, sum[:]...)
}

// object is one of a pack: its kind, the size that it is said to have, what is between, and its content, deflated.
func object(kind byte, size int, between, content []byte) []byte {
	var out []byte
	b := kind<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		out = append(out, b|0x80)
		b = byte(size & 0x7f)
	}
	out = append(append(out, b), between...)
	var deflated bytes.Buffer
	w := zlib.NewWriter(&deflated)
	_, _ = w.Write(content)
	_ = w.Close()
	return append(out, deflated.Bytes()...)
}

// A small answer that unpacks to a great deal is refused before it is unpacked.
func TestAPackThatSwells(t *testing.T) {
	t.Parallel()
	number := func(n int) (out []byte) {
		for ; n >= 0x80; n >>= 7 {
			out = append(out, byte(n)|0x80)
		}
		return append(out, byte(n))
	}
	blob := object(3, 5, nil, []byte("hello"))
	delta := append(number(5), number(1<<40)...)
	delta = append(delta, 0x90, 5)
	for name, test := range map[string]struct {
		pack []byte
		says string
	}{
		"zeros":     {packed(1, object(3, 300<<20, nil, make([]byte, 1<<20))...), "256 MiB in one object"},
		"delta":     {packed(2, append(blob, object(6, len(delta), []byte{byte(len(blob))}, delta)...)...), "256 MiB in one object"},
		"no sizes":  {packed(2, append(blob, object(6, 1, []byte{byte(len(blob))}, []byte{0x85})...)...), "a delta without its sizes"},
		"countless": {packed(1 << 31), "at most 500000"},
		"lies":      {packed(1, object(3, 5, nil, make([]byte, 1<<20))...), "exceeds declared size"},
		"no pack":   {[]byte("PUCK"), "the pack"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hash := strings.Repeat("12", 20)
			line := func(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }
			r, err := clone(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					fmt.Fprint(w, line("# service=git-upload-pack\n")+"0000"+line(hash+" refs/heads/main\x00side-band-64k shallow ofs-delta\n")+"0000")
					return
				}
				fmt.Fprint(w, line("shallow "+hash)+"0000"+line("NAK\n"))
				for pack := test.pack; len(pack) > 0; {
					n := min(len(pack), 60_000)
					fmt.Fprint(w, line("\x01"+string(pack[:n])))
					pack = pack[n:]
				}
				fmt.Fprint(w, "0000")
			}))
			require.NoError(t, err)
			_, err = r.Commit(t.Context(), "main")
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
		})
	}
}

// A look at a branch fetches nothing but what it points to.
func TestTheHeadOfABranch(t *testing.T) {
	t.Parallel()
	dir := start(t)
	s := serve(t, dir)
	hash, err := git.RemoteHash(t.Context(), s.url, git.Auth{}, "refs/heads/main")
	require.NoError(t, err)
	require.Equal(t, run(t, dir, "rev-parse", "main"), hash)
	require.Len(t, s.asked(), 1)
	local, err := open(t, dir).Hash("refs/heads/main")
	require.NoError(t, err)
	require.Equal(t, hash, local)
	_, err = git.RemoteHash(t.Context(), s.url, git.Auth{}, "refs/heads/none")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	_, err = git.RemoteHash(t.Context(), dir, git.Auth{}, "refs/heads/main")
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}
