// what an editor would load
