package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/platformtest"
)

const forgeToken = "a token of the forge"

// forge plays GitHub for the containers: it serves team/loans.git to whoever has the token, and keeps what it is told of commits.
type forge struct {
	server  *http.Server
	address string
	folder  string // of the repository

	mu   sync.Mutex
	told map[string]string // commit and context to the newest status
}

// newForge listens where containers reach this machine, on the address that it has in the engine's bridge.
func newForge(ctx context.Context, dir string) (*forge, error) {
	bridge, err := reached(ctx)
	if err != nil {
		return nil, err
	}
	repositories, err := platformtest.Repositories(ctx, filepath.Join(dir, "forge"), forgeToken)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(bridge, "0"))
	if err != nil {
		return nil, err
	}
	f := &forge{address: listener.Addr().String(), folder: filepath.Join(dir, "forge", "team", "loans.git"), told: map[string]string{}}
	mux := http.NewServeMux()
	mux.Handle("/team/loans.git/", repositories)
	mux.HandleFunc("POST /api/v3/repos/team/loans/statuses/{commit}", f.take)
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.server.Serve(listener) }() // it ends when it is closed
	return f, nil
}

// reached is this machine's address in the engine's own bridge.
func reached(ctx context.Context) (string, error) {
	said, err := engine.Output(ctx, ".", nil, "docker", "network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", "bridge")
	if err != nil {
		return "", err
	}
	subnet, err := netip.ParsePrefix(strings.TrimSpace(said))
	if err != nil {
		return "", err
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, address := range addresses {
		if at, err := netip.ParsePrefix(address.String()); err == nil && subnet.Contains(at.Addr()) {
			return at.Addr().String(), nil
		}
	}
	return "", fmt.Errorf("this machine has no address in the bridge of the engine, %s", subnet)
}

func (f *forge) Close() { _ = f.server.Close() }

// settings name the repository to the services.
func (f *forge) settings() []string {
	return []string{"LOANOPS_REPOSITORY_LOANS_URL=http://" + f.address + "/team/loans.git", "LOANOPS_REPOSITORY_LOANS_KIND=github"}
}

func (f *forge) take(w http.ResponseWriter, r *http.Request) {
	var body struct{ State, Context, Description string }
	if r.Header.Get("Authorization") != "Bearer "+forgeToken {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.told[r.PathValue("commit")+" "+body.Context] = body.State + ": " + body.Description
	f.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

func (f *forge) status(commit, about string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told[commit+" "+about]
}

// push has a branch of the example of a team's repository tested: the forge tells the receiver, signed, and is told in the end.
func (j *journey) push(ctx context.Context) error {
	var commit string
	return j.steps(
		do{"a push without a signature", func() (string, error) {
			code, said, err := j.deliverPush(ctx, "feature", strings.Repeat("0", 40), "")
			if err == nil && code != http.StatusUnauthorized {
				err = fmt.Errorf("%d %s", code, said)
			}
			return fmt.Sprint(code), err
		}},
		do{"a push to a branch", func() (string, error) {
			var err error
			if commit, err = j.branch(ctx); err != nil {
				return "", err
			}
			secret, err := j.secret("repository.secret")
			if err != nil {
				return "", err
			}
			code, said, err := j.deliverPush(ctx, "feature", commit, secret)
			if err == nil && code != http.StatusAccepted {
				err = fmt.Errorf("%d %s", code, said)
			}
			return said, err
		}},
		do{"its integration", func() (said string, err error) {
			err = await(ctx, 4*time.Minute, func() error {
				if said = j.forge.status(commit, "loanops/push"); !strings.HasPrefix(said, "success") {
					return fmt.Errorf("the forge was told %q", said)
				}
				return nil
			})
			return said, err
		}},
	)
}

// branch makes the repository, of which branch feature is the example.
func (j *journey) branch(ctx context.Context) (commit string, err error) {
	work := filepath.Join(j.dir, "loans")
	if err := os.CopyFS(work, os.DirFS(filepath.Join(j.clone, "examples", "pipeline-repo"))); err != nil {
		return "", err
	}
	who := []string{"GIT_AUTHOR_NAME=ada", "GIT_AUTHOR_EMAIL=ada@bank.example", "GIT_COMMITTER_NAME=ada", "GIT_COMMITTER_EMAIL=ada@bank.example"}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=feature"}, {"add", "--all"}, {"commit", "--quiet", "--message", "the example"},
		{"init", "--quiet", "--bare", "--initial-branch=main", j.forge.folder}, {"push", "--quiet", j.forge.folder, "feature", "feature:main"},
	} {
		if err := engine.Run(ctx, work, who, append([]string{"git"}, args...)...); err != nil {
			return "", err
		}
	}
	commit, err = engine.Output(ctx, work, nil, "git", "rev-parse", "HEAD")
	return strings.TrimSpace(commit), err
}

// deliverPush sends what GitHub sends of a push, signed with a secret unless that is empty.
func (j *journey) deliverPush(ctx context.Context, branch, commit, secret string) (code int, said string, err error) {
	body := fmt.Sprintf(`{"ref": "refs/heads/%s", "after": %q, "repository": {"full_name": "team/loans", "pushed_at": %d}, "pusher": {"name": "ada"}}`, branch, commit, time.Now().Unix())
	headers := map[string]string{"X-GitHub-Event": "push", "X-GitHub-Delivery": commit}
	if secret != "" {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(body))
		headers["X-Hub-Signature-256"] = "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	return post(ctx, j.hooks+"/hooks/loans", headers, []byte(body))
}

// post sends JSON, and returns what is answered.
func post(ctx context.Context, url string, headers map[string]string, body []byte) (code int, said string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, strings.TrimSpace(string(answer)), err
}
