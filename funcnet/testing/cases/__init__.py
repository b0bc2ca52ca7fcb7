"""The cases on which laws are asked: drawn, given, made smaller; and where one is differentiated."""
