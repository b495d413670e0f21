package main

import (
	_ "github.com/temporalio/ui-server/v2/server"
	_ "github.com/versity/versitygw/embedgw"
	_ "go.temporal.io/server/temporal"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
)

func main() {}
