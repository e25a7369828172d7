"""Grade: run the exercises of many notebooks that were handed in, and say who solved what.

    submissions     what was handed in: whose it is, which lesson, what is no notebook at all
    kernel          the process in which one of them runs: offline, its checks watched
    run             that process from outside: a time limit, and nothing left behind
    results         one row a person and exercise, a table and a page of the class's mistakes

Code that students wrote is run. Its process has no network and ends at a limit, but it reads and writes what
its user may: grade in a container, or on a machine without files of your own. A check runs in the process of
the answer: a tick that is printed or pasted counts for nothing, but code that attacks the check can win. Have
every person explain an answer.
"""

from vgcourse.classroom.grade.results import grade_folder
