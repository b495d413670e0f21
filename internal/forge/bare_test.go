package forge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
)

// shown is what git shows of a commit.
func shown(t *testing.T, dir, hash string) string {
	t.Helper()
	return run(t, dir, "notes", "--ref", "loanops", "show", hash)
}

// told is the file that says it, without the time.
func told(t *testing.T, dir, name string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "loanops", name))
	require.NoError(t, err)
	var said map[string]string
	require.NoError(t, json.Unmarshal(content, &said))
	require.NotEmpty(t, said["at"])
	delete(said, "at")
	return said
}

func TestABareRepositoryIsToldInIt(t *testing.T) {
	t.Parallel()
	dir, hash := folder(t)
	r := forge.Repository{Name: "loans", Kind: forge.Bare, URL: dir, Branch: "main"}
	require.NoError(t, forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: hash, State: forge.Pending, Description: "being tested"}))
	require.Equal(t, map[string]string{"about": "loanops/push", "commit": hash, "state": "pending", "description": "being tested"}, told(t, dir, hash+".push.json"))
	require.NoError(t, forge.Post(t.Context(), r, forge.Status{
		About: forge.OfPush, Commit: hash, State: forge.Failure, Description: "TestFeatures: Rural encodes to 2,\nnot 1", Target: "http://ui/runs/1",
	}))
	require.Equal(t, "loanops/push: failure\nTestFeatures: Rural encodes to 2, not 1\nhttp://ui/runs/1", shown(t, dir, hash))
	require.Equal(t, map[string]string{
		"about": "loanops/push", "commit": hash, "state": "failure", "description": "TestFeatures: Rural encodes to 2, not 1", "target_url": "http://ui/runs/1",
	}, told(t, dir, hash+".push.json"))
	require.Equal(t, fault.NotFound, fault.CodeOf(forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Pending})))

	r.URL = "http://127.0.0.1:1/loans.git"
	require.NoError(t, forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: hash, State: forge.Pending}), "nobody takes it there")
}

// A commit that is red alone and green when merged shows both, and what a person noted beside them; each is replaced by what is said of the same later.
func TestAMergeDoesNotPaintOverAPush(t *testing.T) {
	t.Parallel()
	dir, hash := folder(t)
	r := forge.Repository{Name: "loans", Kind: forge.Bare, URL: dir, Branch: "main"}
	post := func(about forge.About, state forge.State, description string) {
		t.Helper()
		require.NoError(t, forge.Post(t.Context(), r, forge.Status{About: about, Commit: hash, State: state, Description: description}))
	}
	post(forge.OfPush, forge.Failure, "red alone")
	post(forge.OfMerge, forge.Success, "green when merged")
	require.Equal(t, "loanops/push: failure\nred alone\n\nloanops/merge: success\ngreen when merged", shown(t, dir, hash))
	require.Equal(t, "failure", told(t, dir, hash+".push.json")["state"])
	require.Equal(t, "success", told(t, dir, hash+".merge.json")["state"])

	run(t, dir, "notes", "--ref", "loanops", "append", "-m", "loanops/pushes are looked at by ada", hash)
	post(forge.OfPush, forge.Pending, "")
	require.Equal(t, "loanops/push: pending\n\nloanops/merge: success\ngreen when merged\n\nloanops/pushes are looked at by ada", shown(t, dir, hash))
	require.Equal(t, "success", told(t, dir, hash+".merge.json")["state"])
	commits := run(t, dir, "rev-list", "--count", "refs/notes/loanops")
	post(forge.OfPush, forge.Pending, "")
	require.Equal(t, commits, run(t, dir, "rev-list", "--count", "refs/notes/loanops"), "said twice is said once")
}

// Whoever tells of the push and of the merge at the same time, both are told.
func TestBothAreToldAtOnce(t *testing.T) {
	t.Parallel()
	dir, hash := folder(t)
	r := forge.Repository{Name: "loans", Kind: forge.Bare, URL: dir, Branch: "main"}
	for i := range 5 {
		var writers errgroup.Group
		for _, about := range []forge.About{forge.OfPush, forge.OfMerge} {
			writers.Go(func() error {
				return forge.Post(t.Context(), r, forge.Status{About: about, Commit: hash, State: forge.Success, Description: fmt.Sprint(i), Page: []byte(about)})
			})
		}
		require.NoError(t, writers.Wait())
		for _, about := range []string{"push", "merge"} {
			require.Contains(t, shown(t, dir, hash), fmt.Sprintf("loanops/%s: success\n%d", about, i))
			require.Equal(t, fmt.Sprint(i), told(t, dir, hash+"."+about+".json")["description"])
			page, err := os.ReadFile(filepath.Join(dir, "loanops", hash+"."+about+".html"))
			require.NoError(t, err)
			require.Equal(t, "loanops/"+about, string(page))
		}
	}
}

// The page of a run lies beside what is said of it, and goes with it.
func TestThePageOfARun(t *testing.T) {
	t.Parallel()
	dir, hash := folder(t)
	r := forge.Repository{Name: "loans", Kind: forge.Bare, URL: dir, Branch: "main"}
	page := filepath.Join(dir, "loanops", hash+".push.html")
	status := forge.Status{About: forge.OfPush, Commit: hash, State: forge.Failure, Page: make([]byte, forge.MaxPage)}
	require.NoError(t, forge.Post(t.Context(), r, status))
	require.Equal(t, hash+".push.html", told(t, dir, hash+".push.json")["page"])
	info, err := os.Stat(page)
	require.NoError(t, err)
	require.EqualValues(t, forge.MaxPage, info.Size())

	status.Page = append(status.Page, 'x')
	require.Equal(t, fault.Invalid, fault.CodeOf(forge.Post(t.Context(), r, status)), "one byte more")

	status.State, status.Page = forge.Pending, nil
	require.NoError(t, forge.Post(t.Context(), r, status))
	require.NoFileExists(t, page, "it was of the run before")
	require.NotContains(t, told(t, dir, hash+".push.json"), "page")

	url, requests := answering(t, 201, "{}")
	status.Page = []byte("x")
	require.NoError(t, forge.Post(t.Context(), forge.Repository{Kind: forge.GitHub, URL: url + "/risk/loans", Token: holding("T0KEN")}, status))
	require.NotContains(t, (*requests)[0].Body, "page", "forges take none")
}
