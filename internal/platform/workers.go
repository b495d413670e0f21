package platform

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/workers"
)

// workerProgram is the name of the worker's program, here and in the folder of each build that is kept.
const workerProgram = "loanops-worker"

// keptWorkers is the folder of the state that holds, by build, the workers' programs on which runs may go on.
const keptWorkers = "workers"

// Running says that a platform runs on the state folder: fault.NotFound where none does.
func Running(state string) error {
	if _, err := os.Stat(filepath.Join(state, "endpoints.json")); err != nil {
		return fault.New(fault.NotFound, "no platform runs on %s; start it with `loanops up`, or choose its folder with --state", state)
	}
	return nil
}

// KeepWorker keeps a worker's program in the state folder until its build is drained. The platform that runs on it starts it within seconds. To keep it
// twice is the same as once.
func KeepWorker(state, program string) (build string, err error) {
	if build, err = workers.BuildOf(program); err != nil {
		return "", err
	}
	dir := filepath.Join(state, keptWorkers, build)
	kept := filepath.Join(dir, workerProgram)
	if same, err := workers.BuildOf(kept); err == nil && same == build {
		return build, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "the folder of the worker's program")
	}
	return build, fault.Wrap(fault.Unavailable, file.Copy(program, kept, 0o700), "keeping the worker's program")
}

// DropWorker takes the program of a build out of the state folder: a platform that runs on it stops its worker within seconds.
func DropWorker(state, build string) error {
	return fault.Wrap(fault.Unavailable, os.RemoveAll(filepath.Join(state, keptWorkers, build)), "taking the worker's program away")
}

// kept lists the builds whose programs are there.
func (p *Platform) kept() ([]string, error) {
	programs, err := filepath.Glob(p.path(keptWorkers, "*", workerProgram))
	if err != nil {
		return nil, err
	}
	var builds []string
	for _, program := range programs {
		builds = append(builds, filepath.Base(filepath.Dir(program)))
	}
	return builds, nil
}

// keptWorker is the build of the worker of the programs' folder, or why there is none.
type keptWorker struct {
	build string
	err   error
}

// keepWorker keeps the worker of the programs' folder, while other things start: it is read three times over.
func (p *Platform) keepWorker() <-chan keptWorker {
	done := make(chan keptWorker, 1)
	go func() {
		build, err := KeepWorker(p.dir, filepath.Join(p.cfg.BinDir, workerProgram))
		done <- keptWorker{build, err}
	}()
	return done
}

// startWorkers starts the worker of the programs' folder, and beside it those of other builds on which runs may go on.
func (p *Platform) startWorkers(keeping <-chan keptWorker) (err error) {
	kept := <-keeping
	if kept.err != nil {
		return fault.Wrap(fault.NotFound, kept.err, "starting worker; `make build` puts the programs into bin/")
	}
	p.Build = kept.build
	_ = os.Remove(p.workerReady())
	if p.worker, err = p.startWorker(p.Build, "--ready-file", p.workerReady()); err != nil {
		return err
	}
	return p.startKept()
}

// workerReady is the file that the worker of the programs' folder makes once it takes work.
func (p *Platform) workerReady() string { return p.path("work", "worker.ready") }

// AwaitWorker waits until the worker of the programs' folder takes work.
func (p *Platform) AwaitWorker(ctx context.Context) error {
	return p.worker.await(ctx, func() bool { _, err := os.Stat(p.workerReady()); return err == nil })
}

// nameOf is the name of a build's service. What is in the programs' folder is the platform's worker.
func (p *Platform) nameOf(build string) string {
	if build == p.Build {
		return "worker"
	}
	return "worker-" + build
}

func (p *Platform) startWorker(build string, args ...string) (*service, error) {
	return p.runProgram(p.nameOf(build), "worker", p.path(keptWorkers, build, workerProgram), append([]string{"--build-id", build}, args...)...)
}

// startKept starts a worker of every build that is kept and has none.
func (p *Platform) startKept() error {
	builds, err := p.kept()
	if err != nil {
		return err
	}
	for _, build := range builds {
		if p.service(p.nameOf(build)) != nil {
			continue
		}
		if found, err := workers.BuildOf(p.path(keptWorkers, build, workerProgram)); err != nil || found != build {
			p.cfg.Say("the program of build %s is damaged and is not started; `loanops workers list` shows whether runs need it", build)
			_ = os.RemoveAll(p.path(keptWorkers, build))
			continue
		}
		if _, err := p.startWorker(build); err != nil {
			return err
		}
		p.cfg.Say("a worker of build %s runs as well", build)
	}
	return nil
}

// How often a platform looks for further workers' programs, and whether old ones are needed.
const (
	lookForPrograms = time.Second
	lookForDrained  = 3 * time.Second
)

// KeepWorkers starts the workers whose programs come, and stops and forgets those whose builds are drained, until ctx ends. versions are those of the
// cluster.
func (p *Platform) KeepWorkers(ctx context.Context, versions func(context.Context) ([]workers.Version, error)) {
	look := time.NewTicker(lookForPrograms)
	defer look.Stop()
	var asked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if err := p.startKept(); err != nil {
			p.cfg.Say("a further worker is not started: %v", err)
		}
		builds, err := p.kept()
		if err != nil {
			continue
		}
		for _, build := range p.working() {
			if !slices.Contains(builds, build) {
				p.forgetWorker(build, "its program was taken away")
			}
		}
		if len(builds) < 2 || time.Since(asked) < lookForDrained {
			continue // one build alone is never drained
		}
		asked = time.Now()
		known, err := versions(ctx)
		if err != nil {
			continue // Temporal is starting again, or ending
		}
		for _, v := range known {
			if p.drained(v) {
				p.forgetWorker(v.Build, "it is drained")
			}
		}
	}
}

// drained says that a build has ended its runs since its program was kept: one that is kept after that is to be used again.
func (p *Platform) drained(v workers.Version) bool {
	if v.Status != workers.Drained || len(v.Runs) > 0 { // of a build that only was on trial it is not said
		return false
	}
	kept, err := os.Stat(p.path(keptWorkers, v.Build))
	return err == nil && kept.ModTime().Before(v.Since)
}

// forgetWorker stops a build's worker and removes its program, in this order: whoever is killed in between does it again.
func (p *Platform) forgetWorker(build, why string) {
	name := p.nameOf(build)
	p.mu.Lock()
	var stopped *service
	for i, s := range p.services {
		if s.name == name {
			stopped = s
			p.services = append(p.services[:i:i], p.services[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	if stopped != nil {
		stopped.stop()
	}
	if err := os.RemoveAll(p.path(keptWorkers, build)); err != nil {
		p.cfg.Say("the program of build %s remains: %v", build, err)
	}
	_ = p.publish() // the next change tries again
	p.cfg.Say("the worker of build %s has been stopped: %s", build, why)
}

// working lists the builds that have a worker.
func (p *Platform) working() (builds []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.services {
		if s.name == "worker" {
			builds = append(builds, p.Build)
		} else if build, is := strings.CutPrefix(s.name, "worker-"); is {
			builds = append(builds, build)
		}
	}
	return builds
}

// service is the running one of that name, nil for none.
func (p *Platform) service(name string) *service {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.services {
		if s.name == name {
			return s
		}
	}
	return nil
}
