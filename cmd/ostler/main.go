// Command ostler is a coordination service that takes the place of Apache
// ZooKeeper: the server, its command-line client, and the small tools of
// ZooKeeper's images, in one binary. Called through a link that has the name of
// one of ZooKeeper's scripts, it behaves as that script does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ostler/internal/admin"
	"ostler/internal/zkcli"
)

// A tool is what the process was asked to be. It gets the words behind its name
// and returns the exit code.
type tool func(ctx context.Context, std stdio, args []string) int

// stdio is where a tool reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// scripts are the names of ZooKeeper's scripts, which a link may have.
var scripts = map[string]tool{
	"zkServer.sh":       zkServer,
	"zkCli.sh":          runCLI,
	"start-zookeeper":   startZooKeeper,
	"zookeeper-ready":   zookeeperReady,
	"zookeeper-metrics": zookeeperMetrics,
}

func main() {
	std := stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(dispatch(context.Background(), std, os.Args))
}

// dispatch runs the tool that the name of the binary or the first word asks for.
func dispatch(ctx context.Context, std stdio, args []string) int {
	if run, ok := scripts[filepath.Base(args[0])]; ok {
		return run(ctx, std, args[1:])
	}
	root := newRoot(std)
	root.SetArgs(args[1:])
	err := root.ExecuteContext(ctx)
	var code exitCode
	switch {
	case errors.As(err, &code):
		return int(code)
	case err != nil:
		fmt.Fprintf(std.err, "%v\nTry \"ostler help\".\n", err)
		return 2
	}
	return 0
}

// An exitCode leaves a subcommand that has already said what is wrong.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// newRoot makes the tree of subcommands.
func newRoot(std stdio) *cobra.Command {
	root := &cobra.Command{
		Use:           "ostler",
		Short:         "A coordination service that takes the place of Apache ZooKeeper",
		SilenceErrors: true, SilenceUsage: true,
		Version: admin.VersionLine(),
	}
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetIn(std.in)
	root.AddCommand(
		wordsCommand(std, runServer, "server [-Dname=value]... CONFIG | PORT DATADIR [TICK [MAXCNXNS]]", "Run a server in the foreground", serverHelp),
		wordsCommand(std, runCLI, "cli [-server HOST:PORT] [COMMAND]", "The command-line client (zkCli.sh)", ""),
		wordsCommand(std, startZooKeeper, "start-zookeeper [--name=value]...", "Configure and run a server in a Kubernetes pod", startHelp),
		wordsCommand(std, zookeeperReady, "zookeeper-ready [PORT]", "Exit with 0 when the local server answers imok", ""),
		wordsCommand(std, zookeeperMetrics, "zookeeper-metrics [PORT]", "Print the metrics of the local server", ""),
		wordsCommand(std, zkServer, "zkserver VERB [CONFIG]", "Start, stop and ask a server as zkServer.sh does", ""),
		moveLeaderCommand(std),
		quickstartCommand(std),
		versionCommand(std),
	)
	return root
}

// wordsCommand makes a subcommand that reads its words itself, because they have
// ZooKeeper's forms and not those of flags.
func wordsCommand(std stdio, run tool, use, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Name() != "cli" && len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
				return cmd.Help()
			}
			if code := run(cmd.Context(), std, args); code != 0 {
				return exitCode(code)
			}
			return nil
		},
	}
}

func runCLI(_ context.Context, std stdio, args []string) int {
	return zkcli.Main(args, std.in, std.out, std.err)
}

func versionCommand(std stdio) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) {
			fmt.Fprintf(std.out, "ostler %s, with the interfaces of Apache ZooKeeper %s\n%s\n",
				admin.Release, admin.Parity, admin.VersionLine())
		},
	}
}
