// Functions are loaded one by one, not built with the rest.
module examples

go 1.26.0
