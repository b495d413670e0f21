package cli

import (
	"errors"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/git"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

// team is a repository to which pushes come, with one hook for each; told are the commits that hooks have told, in order.
type team struct {
	t    *testing.T
	dir  string
	told []string

	pushes int64
}

func newTeam(t *testing.T) *team {
	t.Helper()
	dir := t.TempDir()
	_, err := gogit.PlainInitWithOptions(dir, &gogit.PlainInitOptions{InitOptions: gogit.InitOptions{DefaultBranch: plumbing.Main}})
	require.NoError(t, err)
	return &team{t: t, dir: dir}
}

// push makes another commit the newest of main.
func (r *team) push() (hash string) {
	r.t.Helper()
	r.pushes++
	repository, err := gogit.PlainOpen(r.dir)
	require.NoError(r.t, err)
	tree, err := repository.Worktree()
	require.NoError(r.t, err)
	made, err := tree.Commit("another", &gogit.CommitOptions{AllowEmptyCommits: true, Author: &gitobject.Signature{Name: "ada", Email: "ada@bank.example", When: time.Unix(r.pushes, 0)}})
	require.NoError(r.t, err)
	return made.String()
}

// hook is that of one push: it packs the commit, and while it tells something happens.
func (r *team) hook(hash string, happens ...func()) (client.WorkflowRun, error) {
	r.t.Helper()
	input := workflows.IntegrationInput{Repository: r.dir, Ref: hash, Branch: "main"}
	pack := func() error {
		repository, err := git.Open(r.dir)
		require.NoError(r.t, err)
		commit, err := repository.Hash(input.Ref)
		require.NoError(r.t, err)
		input.Packed = &activities.CommitOutput{Commit: commit}
		return nil
	}
	require.NoError(r.t, pack())
	return tellNewest(&input, pack, func() (client.WorkflowRun, error) {
		if len(happens) > 0 {
			next := happens[0]
			happens = happens[1:]
			next()
		}
		r.told = append(r.told, input.Packed.Commit)
		return &mocks.WorkflowRun{}, nil
	})
}

// Whatever pushes come while hooks tell of theirs, the newest commit is the one that is told last: that one is tested.
func TestTheNewestPushIsToldLast(t *testing.T) {
	t.Parallel()
	t.Run("alone", func(t *testing.T) {
		t.Parallel()
		r := newTeam(t)
		first := r.push()
		run, err := r.hook(first)
		require.NoError(t, err)
		require.NotNil(t, run)
		require.Equal(t, []string{first}, r.told)
	})
	t.Run("the hook of the older push comes later", func(t *testing.T) {
		t.Parallel()
		r := newTeam(t)
		first, second := r.push(), r.push()
		_, err := r.hook(second)
		require.NoError(t, err)
		run, err := r.hook(first)
		require.NoError(t, err)
		require.Nil(t, run, "another hook has told the newest")
		require.Equal(t, []string{second}, r.told)
	})
	t.Run("a push comes, and is told, while the older one is being told", func(t *testing.T) {
		t.Parallel()
		r := newTeam(t)
		first := r.push()
		var second, third string
		tell := func(hash *string) func() {
			return func() {
				*hash = r.push()
				run, err := r.hook(*hash)
				require.NoError(t, err)
				require.NotNil(t, run)
			}
		}
		run, err := r.hook(first, tell(&second), tell(&third))
		require.NoError(t, err)
		require.NotNil(t, run)
		require.Equal(t, []string{second, first, third, second, third}, r.told, "what is told late is followed by what is newest")
	})
	t.Run("a push that is not of a branch", func(t *testing.T) {
		t.Parallel()
		r := newTeam(t)
		first := r.push()
		r.push()
		input := workflows.IntegrationInput{Repository: r.dir, Packed: &activities.CommitOutput{Commit: first}}
		run, err := tellNewest(&input, nil, func() (client.WorkflowRun, error) { return &mocks.WorkflowRun{}, nil })
		require.NoError(t, err)
		require.NotNil(t, run, "a person who asks for a commit gets that one")
	})
	t.Run("the branch is deleted meanwhile", func(t *testing.T) {
		t.Parallel()
		r := newTeam(t)
		first := r.push()
		run, err := r.hook(first, func() {
			repository, err := gogit.PlainOpen(r.dir)
			require.NoError(t, err)
			require.NoError(t, repository.Storer.RemoveReference("refs/heads/main"))
		})
		require.NoError(t, err)
		require.NotNil(t, run)
	})
	t.Run("a start that fails", func(t *testing.T) {
		t.Parallel()
		r := newTeam(t)
		input := workflows.IntegrationInput{Repository: r.dir, Branch: "main", Packed: &activities.CommitOutput{Commit: r.push()}}
		_, err := tellNewest(&input, nil, func() (client.WorkflowRun, error) { return nil, errors.New("away") })
		require.EqualError(t, err, "away")
	})
}

// What would be left undone without a word is an error.
func TestTakeOverGoesWithWhatAnOperatorPublishes(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{{"--trigger", "push"}, {"--against", "main"}, {"--test-only"}} {
		_, said, code := run(t, append([]string{"ci", "start", "--take-over"}, flags...)...)
		require.Equal(t, 2, code)
		require.Contains(t, said, "--take-over goes with a commit that an operator publishes by hand")
	}
}

// The run's ID is that of the branch: an operator's start of a repository by its name and a push of its branch are not two runs at a time.
func TestARepositoryByNameNeedsItsBranch(t *testing.T) {
	t.Parallel()
	known := settings.Settings{Environment: settings.NewEnvironment("LOANOPS_REPOSITORY_LOANS_URL=https://git.bank.example/risk/loans.git", "LOANOPS_REPOSITORY_LOANS_BRANCH=trunk")}
	a := &app{}
	input := workflows.IntegrationInput{Repository: "loans"}
	require.NoError(t, a.pack(t.Context(), known, &input))
	require.Equal(t, "trunk", input.Ref)
	input = workflows.IntegrationInput{Repository: "cards"}
	require.ErrorContains(t, a.pack(t.Context(), known, &input), "--ref: which branch, tag or commit of cards?")
	input.Ref = "main"
	require.NoError(t, a.pack(t.Context(), known, &input))
}
