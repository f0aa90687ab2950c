"""From an entry point to a function."""

import importlib
import importlib.machinery
import importlib.util
import os
import sys


def load_function(filepath, entry):
    """Loads the function that an entry point names and returns it.

    filepath is a file or a folder; entry is empty for main.main, `func` for
    main.func, or `module.func`, where module may have dots. The module of a
    file is that file, whatever it is called.
    """
    module_name, _, function_name = (entry or "main").rpartition(".")
    module_name = module_name or "main"
    if os.path.isdir(filepath):
        module = _load_from_folder(filepath, module_name)
    elif os.path.exists(filepath):
        module = _load_file(filepath, module_name)
    else:
        raise FileNotFoundError(f"no code at {filepath}")
    return _pick(module, function_name, filepath)


def _load_from_folder(folder, module_name):
    # First, so that a package of the function's wins over one of the image.
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as err:
        if err.name == module_name:
            names = ", ".join(sorted(os.listdir(folder))[:20]) or "nothing"
            raise ModuleNotFoundError(f"no module named {module_name} in {folder}, which has {names}") from None
        raise


def _load_file(filepath, module_name):
    loader = importlib.machinery.SourceFileLoader(module_name, filepath)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(module_name, loader))
    sys.modules[module_name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(module_name, None)
        raise
    return module


def _pick(module, name, filepath):
    function = getattr(module, name, None)
    if callable(function):
        return function
    has = [n for n, v in vars(module).items() if callable(v) and getattr(v, "__module__", None) == module.__name__]
    raise AttributeError(f"{filepath} must define a function named {name}; it defines {', '.join(has) or 'no function'}")
