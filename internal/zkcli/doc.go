// Package zkcli is the command line that users of ZooKeeper know as zkCli.sh:
// the same commands, the same words on standard output and standard error, the
// same exit codes (cli.md). What crashes there is an ordinary error here, log
// lines are left out, and the event of the connection always comes before the
// output of the command that needed it.
//
// With ZKCLI_COMPAT=3.4 in the environment it prints what ZooKeeper 3.4 did,
// where tutorials and scripts show it: get, set and setAcl report the stat, on
// standard error, events have no zxid, and ls2 and rmr exist (cli.md 9).
package zkcli
