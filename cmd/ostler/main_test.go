package main

import (
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	commands := map[string]func(){}
	for _, name := range []string{"ostler", "zkServer.sh", "zkCli.sh", "start-zookeeper", "zookeeper-ready"} {
		commands[name] = main
	}
	testscript.Main(m, commands)
}

// TestScripts runs the binary as its users do: testdata/script/*.txtar say what it
// must print, and how it must end.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			// Three ports that nobody listens on.
			for i := range 3 {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				_, port, _ := net.SplitHostPort(l.Addr().String())
				l.Close()
				e.Setenv(fmt.Sprintf("PORT%d", i+1), port)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"expand": expand, "await": await,
		},
	})
}

// expand replaces $NAME in a file by the script's variables.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// await waits until something listens on a port.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for range 10_000 {
		c, err := net.Dial("tcp", "127.0.0.1:"+args[0])
		if err == nil {
			c.Close()
			return
		}
		pause()
	}
	ts.Fatalf("nothing listens on %s", args[0])
}
