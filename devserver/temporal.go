package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/metrics"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"
)

// retention is how long a closed workflow's history is kept; the registry keeps the record of runs for good.
const retention = 30 * 24 * time.Hour

// attributes collects --search-attribute Name=Type.
type attributes map[string]enumspb.IndexedValueType

func (a *attributes) String() string { return "" }

// Set adds one.
func (a *attributes) Set(text string) error {
	name, kind, _ := strings.Cut(text, "=")
	value, err := enumspb.IndexedValueTypeFromString(kind)
	if err != nil || name == "" {
		return fmt.Errorf("%q is not Name=Type with a type such as Keyword or Int", text)
	}
	if *a == nil {
		*a = attributes{}
	}
	(*a)[name] = value
	return nil
}

// startTemporal starts all four services of the server and returns when they take requests.
func startTemporal(o options) (temporal.Server, error) {
	sql := &config.SQL{
		PluginName:   sqliteplugin.PluginName,
		DatabaseName: o.database,
		// One connection: SQLite has one writer, and more connections only give SQLITE_BUSY.
		MaxConns:          1,
		ConnectAttributes: map[string]string{"mode": "rwc", "_journal_mode": "wal", "_synchronous": "1"},
	}
	if _, err := os.Stat(o.database); os.IsNotExist(err) {
		if err := makeDatabase(*sql); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", o.database, err)
		}
	}
	namespace, err := sqlite.NewNamespaceConfig("active", o.namespace, false, o.attributes)
	if err != nil {
		return nil, err
	}
	namespace.Detail.Config.Retention = durationpb.New(retention)
	if err := sqlite.CreateNamespaces(sql, namespace); err != nil {
		return nil, fmt.Errorf("namespace %s: %w", o.namespace, err)
	}
	cfg, err := serverConfig(o, sql)
	if err != nil {
		return nil, err
	}
	// One process needs no gossip; without it a restart does not wait until the address that the last one had is forgotten.
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, service := range cfg.Services {
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(fmt.Sprintf("127.0.0.1:%d", service.RPC.GRPCPort))
	}
	server, err := temporal.NewServer(
		temporal.WithStaticHosts(hosts),
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(log.NewZapLogger(log.BuildZapLogger(log.Config{Stdout: false, Level: o.level}))),
		// The default poll rates make an activity take 66 ms; these take 10.
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			dynamicconfig.TransferProcessorMaxPollRPS.Key():   1000,
			dynamicconfig.TimerProcessorMaxPollRPS.Key():      1000,
			dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): 1000,
			// Who asks whether an old worker is still needed looks into the one database that was just written to: three minutes to wait
			// for it, and as many between two looks, are for a cluster.
			dynamicconfig.VersionDrainageStatusVisibilityGracePeriod.Key(): 3 * time.Second,
			dynamicconfig.VersionDrainageStatusRefreshInterval.Key():       3 * time.Second,
		}),
	)
	if err != nil {
		return nil, err
	}
	return server, server.Start()
}

// makeDatabase writes the schema under another name first: a kill half-way must not leave a file that looks complete.
func makeDatabase(sql config.SQL) error {
	final := sql.DatabaseName
	sql.DatabaseName = final + ".new"
	sql.ConnectAttributes = map[string]string{"mode": "rwc"} // without a write-ahead log all of it is in the one file
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(sql.DatabaseName + suffix); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if err := sqlite.SetupSchema(&sql); err != nil {
		return err
	}
	return os.Rename(sql.DatabaseName, final)
}

func serverConfig(o options, sql *config.SQL) (*config.Config, error) {
	frontend := fmt.Sprintf("%s:%d", o.ip, o.port)
	services := map[string]config.Service{}
	for _, name := range []string{"frontend", "history", "matching", "worker"} {
		ports, err := freePorts(2)
		if err != nil {
			return nil, err
		}
		rpc := config.RPC{GRPCPort: ports[0], MembershipPort: ports[1], BindOnIP: "127.0.0.1"}
		if name == "frontend" {
			rpc.GRPCPort, rpc.HTTPPort, rpc.BindOnIP = o.port, o.httpPort, o.ip
		}
		services[name] = config.Service{RPC: rpc}
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: "127.0.0.1"},
			Metrics:    &metrics.Config{Prometheus: &metrics.PrometheusConfig{ListenAddress: fmt.Sprintf("127.0.0.1:%d", ports[0]), HandlerPath: "/metrics"}},
		},
		Persistence: config.Persistence{
			DefaultStore: "sqlite", VisibilityStore: "sqlite", NumHistoryShards: 1,
			DataStores: map[string]config.DataStore{"sqlite": {SQL: sql}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: "active", CurrentClusterName: "active",
			ClusterInformation: map[string]cluster.ClusterInformation{"active": {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend}},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		PublicClient:        config.PublicClient{HostPort: frontend},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}, nil
}

// freePorts asks the system for ports that nobody has, all at once so that they differ. Until Temporal listens on them no other program is
// given one of them: the system keeps back, for a minute, the port of a connection that its server has ended.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		if err := endOneConnection(listener); err != nil {
			return nil, err
		}
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// endOneConnection connects to the listener and ends that from its side, as in internal/port of the other module, which this one does not require (ADR 2).
func endOneConnection(listener net.Listener) error {
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		return err
	}
	return server.Close()
}

// newUI is the Web UI. It asks nothing outside of this machine.
func newUI(o options) *uiserver.Server {
	return uiserver.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
		TemporalGRPCAddress: fmt.Sprintf("%s:%d", o.ip, o.port), Host: o.ip, Port: o.uiPort, EnableUI: true,
		DefaultNamespace: o.namespace, DisableNewsFetch: true, HideLogs: true,
		CORS: uiconfig.CORS{CookieInsecure: true},
	}))
}
