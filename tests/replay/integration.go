package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/workflows"
)

// team is the name under which the workers know the example repository.
const team = "loans"

var integration, push, joined = workflows.IntegrationID(team, "main"), workflows.PushID("recorded"), workflows.PushID("second")

// bare and clone are where the team pushes to, and works.
func (s *stage) bare() string  { return filepath.Join(s.work, team+".git") }
func (s *stage) clone() string { return filepath.Join(s.work, team) }

// makeRepository pushes the example to a bare repository that the workers know.
func (s *stage) makeRepository() error {
	s.Env = append(s.Env, "LOANOPS_REPOSITORY_"+strings.ToUpper(team)+"_URL="+s.bare())
	return errors.Join(s.git(s.work, "init", "--quiet", "--bare", "--initial-branch=main", s.bare()),
		s.git(s.work, "init", "--quiet", "--initial-branch=main", s.clone()),
		os.CopyFS(s.clone(), os.DirFS("examples/pipeline-repo")),
		s.git(s.clone(), "remote", "add", "origin", s.bare()), s.commit("main"))
}

func (s *stage) git(dir string, args ...string) error {
	cmd := exec.Command("git", args...) //nolint:noctx // it ends by itself
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=ada", "GIT_AUTHOR_EMAIL=ada@bank.example", "GIT_COMMITTER_NAME=ada", "GIT_COMMITTER_EMAIL=ada@bank.example",
		"GIT_AUTHOR_DATE=2026-07-01T12:00:00Z", "GIT_COMMITTER_DATE=2026-07-01T12:00:00Z")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// commit pushes what the clone holds as a branch.
func (s *stage) commit(branch string) error {
	return errors.Join(s.git(s.clone(), "checkout", "--quiet", "-B", branch), s.git(s.clone(), "add", "--all"), s.git(s.clone(), "commit", "--quiet", "--message", branch),
		s.git(s.clone(), "push", "--quiet", "origin", branch))
}

// change pushes the spec with another text in it.
func (s *stage) change(branch, old, now string) error {
	file := filepath.Join(s.clone(), "pipeline.yaml")
	spec, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(spec), old, now, 1)
	if changed == string(spec) {
		return fmt.Errorf("the example's spec has no %q", old)
	}
	return errors.Join(os.WriteFile(file, []byte(changed), 0o600), s.commit(branch))
}

func refusedCommit(_ context.Context, s *stage) error {
	if err := s.change("better", "min: 0.65}", "min: 0.95}"); err != nil {
		return err
	}
	return s.run(3, "ci", "start", "--repo", team, "--ref", "better", "--wait")
}

func mergedCommit(_ context.Context, s *stage) error {
	if err := s.change("slower", "min: 0.95}", "min: 0.6}"); err != nil {
		return err
	}
	return s.run(0, "ci", "start", "--repo", team, "--ref", "slower", "--against", "main", "--wait")
}

// pushed is what the receiver of pushes starts.
func pushed(ctx context.Context, s *stage) error { return s.push(ctx, push, "main", "recorded") }

// pushedTwice pushes a branch while its tests go on: the second push tells the run of the first.
func pushedTwice(ctx context.Context, s *stage) error {
	if err := s.change("quicker", "target_rate: 50", "target_rate: 60"); err != nil {
		return err
	}
	return errors.Join(s.push(ctx, workflows.PushID("first"), "quicker", "first"), s.push(ctx, joined, "quicker", "second"))
}

func (s *stage) push(ctx context.Context, id, branch, event string) error {
	run, err := s.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: workflows.TaskQueue}, workflows.PushName, workflows.IntegrationInput{
		Repository: team, Ref: branch, TestOnly: true, Trigger: registry.ByPush, Actor: "ada", Event: event,
	})
	if err != nil {
		return err
	}
	return run.Get(ctx, nil)
}
