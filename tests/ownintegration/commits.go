package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// commit is one of this project, and what must become of it.
type commit struct {
	name, is string
	// file is what it changes, and how; empty of the commit that is checked out.
	file   string
	change func(text string) (string, error)
	// wants are the exit code, the verdict, the step that refuses it, and what one of its reasons must say.
	code    int
	verdict string
	step    string
	says    []string
}

// Of each of the bad ones everything is right but for what the step named for it looks at: it is built, vetted, and passes its unit tests.
var commits = []commit{
	{name: "good", is: "the commit that is checked out", verdict: "published"},
	{
		name: "reordered", is: "two steps of a training in another order, with no workflow.GetVersion", file: "workflows/ct.go", change: reordered,
		code: 3, verdict: "refused", step: "ReplayHistories", says: []string{"ContinuousTraining-", "nondeterministic", "CheckSplit", "CheckLeakage"},
	},
	{
		name: "forgetful", is: "a component that forgets an artifact that it declares", file: "activities/checking.go", change: forgetful,
		code: 3, verdict: "refused", step: "TestArtifacts", says: []string{"ProfileData declares the artifact profile_html and made none"},
	},
}

// reordered looks for leaks before it looks at the split.
func reordered(text string) (string, error) {
	const first, second, after = "\t_, err = do(ctx, &t.run, activities.CheckSplit,", "\tleaks, err := do(ctx, &t.run, activities.CheckLeakage,", "\tif len(leaks.Vetoes) > 0 {\n"
	at, next, end := strings.Index(text, first), strings.Index(text, second), strings.Index(text, after)
	if at < 0 || next < at || end < next {
		return "", fmt.Errorf("CheckSplit, CheckLeakage and what follows are not there in this order any more")
	}
	return text[:at] + text[next:end] + text[at:next] + text[end:], nil
}

// forgetful leaves the page of the profile out of what the step says that it made.
func forgetful(text string) (string, error) {
	const all, less = "return map[string]artifact.Ref{artifact.Profile: o.JSON, artifact.ProfileHTML: o.HTML}", "return map[string]artifact.Ref{artifact.Profile: o.JSON}"
	if strings.Count(text, all) != 1 {
		return "", fmt.Errorf("the artifacts of ProfileData are not as they were any more")
	}
	return strings.Replace(text, all, less, 1), nil
}

// make commits the change to a branch of its own.
func (c commit) make(ctx context.Context, clone string) (ref string, err error) {
	if c.file == "" {
		return "main", nil
	}
	if err := command(ctx, clone, nil, "git", "checkout", "--quiet", "-B", c.name, "main"); err != nil {
		return "", err
	}
	file := filepath.Join(clone, c.file)
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	changed, err := c.change(string(text))
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.file, err)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		return "", err
	}
	err = command(ctx, clone, nil, "git", "-c", "user.name=drill", "-c", "user.email=drill@loanops.example", "commit", "--quiet", "--all", "--message", c.is)
	if err != nil {
		return "", err
	}
	return c.name, command(ctx, clone, nil, "git", "checkout", "--quiet", "main")
}
