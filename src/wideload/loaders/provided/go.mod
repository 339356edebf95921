module wideload/bootstrap

go 1.27
