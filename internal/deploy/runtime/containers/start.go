package containers

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
)

// What a container's labels say.
const (
	networkLabel     = "dev.loanops.network" // whose it is
	environmentLabel = "dev.loanops.environment"
	pipelineLabel    = "dev.loanops.pipeline"
	slotLabel        = "dev.loanops.slot"
	generationLabel  = "dev.loanops.generation" // of the serving record, under which it was started
	specLabel        = "dev.loanops.spec"       // digest of the track's spec
)

// Where things are in a container.
const (
	folder   = "/run/loanops" // a volume of its own, as the rest cannot be written
	port     = "8080"
	user     = 65532
	maxTasks = 512 // threads, far more than Go's runtime starts
)

// start makes a container, puts what it reads into it, and starts it.
func (r *Runtime) start(ctx context.Context, image string, what runtime.Launch) (runtime.Instance, error) {
	features := r.features
	if what.Owner == (runtime.Owner{}) {
		features = contract.FeatureStore{}
	}
	files, err := pack(what, features)
	if err != nil {
		return nil, err
	}
	made, err := r.engine.ContainerCreate(ctx, r.options(image, what, features))
	if err != nil {
		return nil, r.fault(err, "making a container of %s", image)
	}
	i := r.instance(made.ID, what)
	if err := i.begin(ctx, files); err != nil {
		i.remove()
		return nil, err
	}
	return i, nil
}

// options are the whole of what a predictor's container may do.
func (r *Runtime) options(image string, what runtime.Launch, features contract.FeatureStore) client.ContainerCreateOptions {
	if features.KeyFile != "" {
		features.KeyFile = path.Join(folder, "features.key")
	}
	limit, tasks := what.Spec.MemoryMiB<<20, int64(maxTasks)
	return client.ContainerCreateOptions{
		Name: r.name(what.Owner),
		Config: &container.Config{
			Image:  image,
			User:   strconv.Itoa(user) + ":" + strconv.Itoa(user),
			Cmd:    append(contract.PredictorArgs(what.Spec, path.Join(folder, "bundle"), path.Join(folder, "policy.json")), "--address", "0.0.0.0:"+port),
			Env:    append(contract.PredictorEnv(what.Spec), features.Env()...),
			Labels: r.labels(what),
			// The agent asks whether it is ready, at its own pace.
			Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
			Volumes:     map[string]struct{}{folder: {}},
		},
		HostConfig: &container.HostConfig{
			NetworkMode: container.NetworkMode(r.network),
			Resources: container.Resources{
				Memory: limit, MemorySwap: limit, // as much with swap as without: none
				NanoCPUs: what.Spec.CPUMillis * 1e6, PidsLimit: &tasks,
			},
			CapDrop:        []string{"ALL"},
			SecurityOpt:    []string{"no-new-privileges:true"},
			ReadonlyRootfs: true,
			RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled}, // the agent decides
			LogConfig:      container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "2"}},
		},
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{r.network: {}}},
	}
}

func (r *Runtime) labels(what runtime.Launch) map[string]string {
	labels := map[string]string{networkLabel: r.network}
	if what.Owner != (runtime.Owner{}) {
		labels[environmentLabel], labels[pipelineLabel], labels[slotLabel] = what.Owner.Environment, what.Owner.Pipeline, what.Owner.Slot
		labels[generationLabel], labels[specLabel] = strconv.FormatInt(what.Owner.Generation, 10), runtime.SpecDigest(what.Spec)
	}
	return labels
}

// name is what a person sees in the engine's lists. Two of one slot live beside each other for a while, so that a part of it is random.
func (r *Runtime) name(owner runtime.Owner) string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	parts := []string{r.network, owner.Environment, owner.Pipeline, owner.Slot, hex.EncodeToString(random[:])}
	if owner == (runtime.Owner{}) {
		parts = []string{r.network, "measured", parts[4]}
	}
	return strings.Join(parts, "-")
}

// pack is a tar of what the predictor reads: its user may, and may change nothing.
func pack(what runtime.Launch, features contract.FeatureStore) (io.Reader, error) {
	bundle, err := os.ReadFile(what.Bundle)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the model bundle")
	}
	files := map[string][]byte{"bundle": bundle, "policy.json": []byte(what.Spec.Policy)}
	if features.KeyFile != "" {
		if files["features.key"], err = os.ReadFile(features.KeyFile); err != nil {
			return nil, fault.New(fault.Unavailable, "the key of the feature store cannot be read (LOANOPS_FEATURES_KEY_FILE)")
		}
	}
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for name, data := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o400, Uid: user, Gid: user, Size: int64(len(data))}); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "packing %s", name)
		}
		if _, err := w.Write(data); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "packing %s", name)
		}
	}
	return &packed, fault.Wrap(fault.Internal, w.Close(), "packing what a predictor reads")
}
