// Package postgrestest starts a real PostgreSQL for tests, on any machine and as any user: from binaries on PATH, in
// Debian's folder, or else from those that embedded-postgres fetches.
package postgrestest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/loanops/loanops/internal/port"
)

// Server is a running PostgreSQL.
type Server struct {
	port int
	dir  string
	cmd  *exec.Cmd
	made atomic.Int64
}

// Start starts a server; Stop ends it. It dies with the test program.
func Start() (*Server, error) {
	dir, err := os.MkdirTemp("", "loanops-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	if err := s.start(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func (s *Server) start() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	who, err := unprivileged(s.dir)
	if err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = who, s.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	ports, err := port.Choose(0)
	if err != nil {
		return err
	}
	s.port = ports[0]
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(s.port), "-h", "127.0.0.1", "-k", s.dir,
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")
	s.cmd.SysProcAttr, s.cmd.Dir = who, s.dir
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	return s.await()
}

// await asks until the server takes connections.
func (s *Server) await() error {
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		if err := db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("PostgreSQL does not answer:\n%s", log)
		case <-poll.C:
		}
	}
}

func (s *Server) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprintf("test_%d", s.made.Add(1))
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	return s.url(name)
}

// Stop ends the server and removes its files.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	_ = s.cmd.Wait()
	os.RemoveAll(s.dir)
}

// binaries finds the folder of initdb and postgres.
func binaries() (string, error) {
	if os.Getenv("LOANOPS_TEST_POSTGRES") != "fetch" {
		candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
		if path, err := exec.LookPath("postgres"); err == nil {
			candidates = append(candidates, path)
		}
		for _, path := range candidates {
			real, err := filepath.EvalSymlinks(path)
			if err != nil {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(real), "initdb")); err == nil {
				return filepath.Dir(real), nil
			}
		}
	}
	return fetch()
}

// fetch lets embedded-postgres bring the binaries into a folder that any user can read, once per machine. Its own start
// fails as root, after the binaries are there.
func fetch() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("loanops-postgres-binaries-%d", os.Getuid()))
	bin := filepath.Join(dir, "bin")
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
		return bin, nil
	}
	server := embedded.NewDatabase(embedded.DefaultConfig().Version(embedded.V15).BinariesPath(dir).RuntimePath(filepath.Join(dir, "runtime")).Logger(nil))
	startErr := server.Start()
	if startErr == nil {
		_ = server.Stop()
	}
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return "", errors.Join(errors.New("PostgreSQL is neither on PATH nor could it be fetched"), startErr)
	}
	return bin, os.Chmod(dir, 0o755)
}

// unprivileged gives the folder to a user that PostgreSQL accepts: it refuses to run as root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	attributes := processAttributes()
	if os.Getuid() != 0 {
		return attributes, nil
	}
	id := uint32(65534)
	if postgres, err := user.Lookup("postgres"); err == nil {
		if n, err := strconv.ParseUint(postgres.Uid, 10, 32); err == nil {
			id = uint32(n)
		}
	}
	attributes.Credential = &syscall.Credential{Uid: id, Gid: id}
	return attributes, os.Chown(dir, int(id), int(id))
}
