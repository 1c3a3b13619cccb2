"""Imported by the process that starts of runs are forked from: what each would do at first is done here, once."""

import functools

import torch
import torch._dynamo  # what the first optimizer of a process imports, in seconds
from rehearsal import declare

import runners.identity

runners.identity._normalised = functools.cache(runners.identity._normalised)  # a hundred modules are parsed once
for path in runners.identity._code_files():
    runners.identity._normalised(path)
torch.set_num_threads(1)
declare().model(num_classes=2)
declare().train_transform()
