package containers

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/loanops/loanops/internal/deploy/runtime"
)

// meterInterval is how often a metered container is looked at: a heap grows and shrinks with every collection of garbage.
const meterInterval = 20 * time.Millisecond

// meter reads what a container's cgroup has counted.
type meter struct {
	mu   sync.Mutex
	seen runtime.Usage
}

// run looks until ctx ends.
func (m *meter) run(ctx context.Context, i *instance) {
	ticker := time.NewTicker(meterInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-i.ended:
			return
		case <-ticker.C:
			m.look(ctx, i)
		}
	}
}

// last looks once more, for all of the CPU time.
func (m *meter) last(i *instance) {
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	m.look(ctx, i)
}

func (m *meter) look(ctx context.Context, i *instance) {
	answer, err := i.of.engine.ContainerStats(ctx, i.id, client.ContainerStatsOptions{})
	if err != nil {
		return // it is ending
	}
	defer answer.Body.Close()
	var now container.StatsResponse
	if json.NewDecoder(answer.Body).Decode(&now) != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen.CPU = max(m.seen.CPU, time.Duration(now.CPUStats.CPUUsage.TotalUsage)) //nolint:gosec // nanoseconds of a short life
	m.seen.PeakMemory = max(m.seen.PeakMemory, held(now.MemoryStats))
}

// held is the memory that cannot be taken back, as `docker stats` counts it: usage without the pages of files that nobody touched lately.
// https://docs.docker.com/reference/cli/docker/container/stats/
func held(memory container.MemoryStats) int64 {
	inactive, v1 := memory.Stats["total_inactive_file"] // of cgroup v1
	if !v1 {
		inactive = memory.Stats["inactive_file"] // of cgroup v2
	}
	if inactive < memory.Usage {
		return int64(memory.Usage - inactive) //nolint:gosec // bytes of one machine
	}
	return int64(memory.Usage) //nolint:gosec // bytes of one machine
}

func (m *meter) usage() runtime.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen
}
