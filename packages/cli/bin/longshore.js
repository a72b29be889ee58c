#!/usr/bin/env node
// npm links a command when packages are installed, and what is built is not there yet.
import "../dist/main.js";
