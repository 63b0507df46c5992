package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const moveLeaderHelp = `Have another server lead, without an election: before maintenance, or to spread
the leaders of several ensembles over hosts. HOST:PORT is the client port of the
leader, which needs "move" in its 4lw.commands.whitelist ("*" does not cover it).
Clients of the other servers reconnect at once; their sessions live on.`

// moveTime is how long a server may take to cease to lead.
const moveTime = 10 * time.Second

func moveLeaderCommand(std stdio) *cobra.Command {
	return &cobra.Command{
		Use: "move-leader HOST:PORT", Short: "Have another server of the ensemble lead", Long: moveLeaderHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !moveLeader(cmd.Context(), std.out, std.err, args[0]) {
				return exitCode(1)
			}
			return nil
		},
	}
}

// moveLeader asks the leader at addr to hand over, and waits until it follows.
func moveLeader(ctx context.Context, out, errs io.Writer, addr string) bool {
	answer, err := ask(ctx, addr, "move", probeTimeout)
	switch {
	case err != nil:
		fmt.Fprintf(errs, "%v\n", err)
		return false
	case !strings.HasPrefix(answer, "Leadership is being handed over"):
		fmt.Fprint(errs, answer)
		return false
	}
	for end := time.Now().Add(moveTime); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		answer, err := ask(ctx, addr, "srvr", probeTimeout)
		if err == nil && strings.Contains(answer, "Mode: ") && !strings.Contains(answer, "Mode: leader") {
			fmt.Fprintln(out, "Another server leads.")
			return true
		}
	}
	fmt.Fprintf(errs, "%s still leads, or cannot be asked by the word srvr; its log says why\n", addr)
	return false
}
