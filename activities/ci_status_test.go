package activities

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/git"
)

// away is a store that does not answer.
type away struct{ Objects }

func (away) Get(context.Context, artifact.Ref) ([]byte, error) {
	return nil, fault.New(fault.Unavailable, "the store is away")
}

// A bare repository gets the page of a run with its end. Without the page it is told all the same, unless another try may find it.
func TestABareRepositoryIsToldWithAPage(t *testing.T) {
	t.Parallel()
	dir := gitRepository(t)
	repository, err := git.Open(dir)
	require.NoError(t, err)
	hash, err := repository.Hash("main")
	require.NoError(t, err)
	store := newObjects(t)
	page, err := store.Put(t.Context(), []byte("<html>"), htmlType, "html")
	require.NoError(t, err)
	long, err := store.Put(t.Context(), make([]byte, forge.MaxPage+1), htmlType, "html")
	require.NoError(t, err)
	gone := store.At(strings.Repeat("0", 64), 7, htmlType, "html")
	statuses := Statuses{
		Objects: store, Page: func(workflow, run string) string { return "http://ui/" + workflow + "/" + run },
		Known: func(name string) (forge.Repository, bool, error) {
			return forge.Repository{Name: name, Kind: forge.Bare, URL: dir, Branch: "main"}, name == "loans", nil
		},
	}
	in := StatusInput{Repository: "loans", Commit: hash, State: forge.Failure, Text: "red", WorkflowID: "w", RunID: "r"}
	at := filepath.Join(dir, ".git", "loanops", hash)
	for _, test := range []struct {
		page              *artifact.Ref
		merged            bool
		file, holds, says string
	}{
		{page: &page, file: ".push", holds: "<html>", says: "failure"},
		{page: &page, merged: true, file: ".merge", holds: "<html>", says: "failure"},
		{page: &long, file: ".push", says: "failure, without a page: it has 1048577 bytes, at most 1048576 are written into a repository"},
		{page: &gone, file: ".merge", merged: true, says: "failure, without a page: no object " + gone.URI},
		{file: ".push", says: "failure"},
	} {
		in.Page, in.Merged = test.page, test.merged
		out, err := statuses.Report(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, forge.Failure, out.State)
		require.Equal(t, test.says, out.Summary())
		require.FileExists(t, at+test.file+".json")
		content, err := os.ReadFile(at + test.file + ".html")
		if test.holds == "" {
			require.ErrorIs(t, err, os.ErrNotExist)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, test.holds, string(content))
	}
	in.Page, statuses.Objects = &page, away{}
	_, err = statuses.Report(t.Context(), in)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "tried again")
	in.Repository = "cars"
	_, err = statuses.Report(t.Context(), in)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

// A forge is told without a page, so that a store that is away is in nobody's way.
func TestAForgeIsToldWithoutAPage(t *testing.T) {
	t.Parallel()
	var said string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said = string(body)
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(server.Close)
	statuses := Statuses{Objects: away{}, Page: func(string, string) string { return "" }, Known: func(name string) (forge.Repository, bool, error) {
		return forge.Repository{Name: name, Kind: forge.Gitea, URL: server.URL + "/risk/loans", Token: func() (string, error) { return "T0KEN", nil }}, true, nil
	}}
	out, err := statuses.Report(t.Context(), StatusInput{Repository: "loans", Commit: strings.Repeat("1", 40), State: forge.Success, Text: "green", Merged: true, Page: &artifact.Ref{Bytes: 6}})
	require.NoError(t, err)
	require.Equal(t, "success", out.Summary())
	require.JSONEq(t, `{"state": "success", "description": "green", "context": "loanops/merge"}`, said)
}
