package main

import (
	"fmt"
	"net"
	"os"
	"strings"
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
			"expand": expand, "await": await, "awaittext": awaitText,
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
	waitFor(ts, "something listens on "+args[0], func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+args[0])
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// awaitText waits until a file holds a text.
func awaitText(ts *testscript.TestScript, _ bool, args []string) {
	waitFor(ts, args[0]+" holds "+args[1], func() bool {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && strings.Contains(string(b), args[1])
	})
}

func waitFor(ts *testscript.TestScript, what string, cond func() bool) {
	for range 20_000 {
		if cond() {
			return
		}
		pause()
	}
	ts.Fatalf("it never came to this: %s", what)
}
