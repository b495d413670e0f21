package containers

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
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
	"github.com/loanops/loanops/internal/sha256hex"
)

// What a container's labels say.
const (
	networkLabel     = "dev.loanops.network" // whose it is
	environmentLabel = "dev.loanops.environment"
	pipelineLabel    = "dev.loanops.pipeline"
	slotLabel        = "dev.loanops.slot"
	generationLabel  = "dev.loanops.generation" // of the serving record, under which it was started
	madeLabel        = "dev.loanops.made"       // what it is, see runtime.Identity
	decidesLabel     = "dev.loanops.decides"
	portLabel        = "dev.loanops.port" // where it answers
)

// Where things are in a container.
const (
	folder   = "/run/loanops" // a volume of its own, as the rest cannot be written
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
	options := r.options(image, what, features)
	if what.Owner != (runtime.Owner{}) {
		of, err := r.Identify(what.Spec)
		if err != nil {
			return nil, err
		}
		maps.Copy(options.Config.Labels, ownerLabels(what.Owner, of))
	}
	port := anyPort()
	options.Config.Cmd = append(options.Config.Cmd, "--address", "0.0.0.0:"+port)
	options.Config.Labels[portLabel] = port
	made, err := r.engine.ContainerCreate(ctx, options)
	if err != nil {
		return nil, r.fault(err, "making a container of %s", image)
	}
	i := r.instance(made.ID, port, what)
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
			Cmd:    contract.PredictorArgs(what.Spec, path.Join(folder, "bundle"), path.Join(folder, "policy.json")),
			Env:    append(contract.PredictorEnv(what.Spec), features.Env()...),
			Labels: map[string]string{networkLabel: r.network},
			// The agent asks whether it is ready, at its own pace.
			Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
			Volumes:     map[string]struct{}{folder: {}},
		},
		HostConfig: &container.HostConfig{
			NetworkMode: container.NetworkMode(r.network),
			Resources: container.Resources{
				Memory: limit, MemorySwap: limit, // as much with swap as without: none
				NanoCPUs: min(what.Spec.CPUMillis*1e6, int64(r.cores)*1e9), PidsLimit: &tasks, // a quota of more than there is is refused
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

func ownerLabels(owner runtime.Owner, of runtime.Identity) map[string]string {
	return map[string]string{
		environmentLabel: owner.Environment, pipelineLabel: owner.Pipeline, slotLabel: owner.Slot, generationLabel: strconv.FormatInt(owner.Generation, 10),
		madeLabel: of.Made, decidesLabel: of.Decides,
	}
}

// Identify is of the image's name, all options, and the key of the feature store, which is in a file: bundle and policy are named by their digests.
func (r *Runtime) Identify(spec contract.TrackSpec) (runtime.Identity, error) {
	options := r.options(spec.Image, runtime.Launch{Spec: spec}, r.features)
	options.Name = ""
	key, err := readKey(r.features)
	if err != nil {
		return runtime.Identity{}, err
	}
	data, err := json.Marshal([]any{options, key})
	return runtime.Identity{Made: sha256hex.Of(data), Decides: runtime.DecidesOf(spec)}, fault.Wrap(fault.Internal, err, "what a container is made of")
}

// anyPort is one of 32,768. Engines give the address of a container that is gone to the next one: a gateway that has not heard yet would take that one's
// answers for the other's if both had one port.
func anyPort() string {
	var random [2]byte
	_, _ = rand.Read(random[:]) // never fails
	return strconv.Itoa(1<<15 | int(binary.BigEndian.Uint16(random[:])>>1))
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
	key, err := readKey(features)
	if err != nil {
		return nil, err
	}
	if key != nil {
		files["features.key"] = key
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

// readKey is that of the feature store; nil without one.
func readKey(of contract.FeatureStore) ([]byte, error) {
	if of.KeyFile == "" {
		return nil, nil
	}
	key, err := os.ReadFile(of.KeyFile)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the key of the feature store cannot be read (LOANOPS_FEATURES_KEY_FILE)")
	}
	return key, nil
}
